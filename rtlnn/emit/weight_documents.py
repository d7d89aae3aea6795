"""What a stranger needs to know of the port through which weights are loaded; nothing where there is none."""

from rtlnn.emit.interface import Interface

__all__ = ["connections", "instance_ports", "sheet_ports", "sheet_section"]

_SHEET_PORTS = """\
| `s_axis_weights_tdata` | in | 64 | weights, see below |
| `s_axis_weights_tvalid`, `s_axis_weights_tready` | in, out | 1 | a beat is taken where both are high |
| `s_axis_weights_tlast` | in | 1 | high on the last beat of all weights |
| `weights_loaded` | out | 1 | all weights have come; until then no frame is taken |
"""
_SHEET_SECTION = """\
## Weights

Some weights are loaded: they lie in UltraRAM, which is empty after configuration, or may be replaced. Send the file
`mem/weights.bin` to `s_axis_weights`:
{beats:,} beats of 8 bytes, the lowest byte first, with `s_axis_weights_tlast` on the last one. The memories follow one
another; of each the words from address 0 up; every word in as many beats as it takes, its lowest bits first. Until all
have come, `weights_loaded` and `s_axis_tready` are low. From then on they outlive a reset.

Other weights may be sent at any time: frames that have begun end with the old ones, then the new ones are taken, then
frames go on. Weights whose `tlast` comes early or late count as none; the next ones begin behind it.

"""
_INSTANCE_PORTS = """\
  // weights, before the first frame: mem/weights.bin, 8 bytes a beat, the lowest one first
  input  wire [63:0] s_axis_weights_tdata,
  input  wire        s_axis_weights_tvalid,
  output wire        s_axis_weights_tready,
  input  wire        s_axis_weights_tlast, // on the last beat of all
  output wire        weights_loaded,      // until then no frame is taken

"""
_CONNECTIONS = """\
    .s_axis_weights_tdata  (s_axis_weights_tdata),
    .s_axis_weights_tvalid (s_axis_weights_tvalid),
    .s_axis_weights_tready (s_axis_weights_tready),
    .s_axis_weights_tlast  (s_axis_weights_tlast),
    .weights_loaded (weights_loaded),
"""


_STREAM_SECTION = """\
## Weights from external memory

Some layers read their weights again and again, each through a stream of its own: the bytes of its file, from the first
to the last, then from the first again; the lowest byte of a beat first. A stream begins with the first byte after
every reset, and may run ahead as far as `tready` allows. `tlast` is not needed.

| bus | layer | file | bits a beat | beats | once for | the plan counts on |
|---|---|---|---|---|---|---|
{rows}
"""
_BATCH = """\
Frames are computed in batches of {batch}: the results of a batch come when all its frames have been sent. Send whole
batches.

"""


def sheet_ports(interface: Interface) -> str:
    """Rows of the port sheet's table."""
    rows = "".join(
        f"| `{bus}_tdata` | in | {port.tdata_bits} | weights of `{port.layer}`, see below |\n"
        f"| `{bus}_tvalid`, `{bus}_tready` | in, out | 1 | a beat is taken where both are high |\n"
        f"| `{bus}_tlast` | in | 1 | ignored |\n"
        for bus, port in interface.weights.items()
    )
    return rows + ("" if interface.weight_beats is None else _SHEET_PORTS)


def sheet_section(interface: Interface) -> str:
    """How to load them, and how to stream them."""
    loaded = "" if interface.weight_beats is None else _SHEET_SECTION.format(beats=interface.weight_beats)
    if not interface.weights:
        return loaded
    rows = "\n".join(
        f"| `{bus}` | {port.layer} | `mem/{port.file}` | {port.tdata_bits} | {port.beats:,} | {port.batch} "
        f"frame{'s' * (port.batch > 1)} | {port.pace[0]:,} beats in {port.pace[1]:,} cycles |"
        for bus, port in interface.weights.items()
    )
    batch = _BATCH.format(batch=interface.batch) if interface.batch > 1 else ""
    return loaded + _STREAM_SECTION.format(rows=rows) + batch


def instance_ports(interface: Interface) -> str:
    """Ports of the module around the instance."""
    streams = "".join(
        f"  // weights of {port.layer}: mem/{port.file}, again for every "
        f"{'frame' if port.batch == 1 else f'{port.batch} frames'}\n"
        f"  input  wire [{port.tdata_bits - 1}:0] {bus}_tdata,\n"
        f"  input  wire        {bus}_tvalid,\n"
        f"  output wire        {bus}_tready,\n"
        f"  input  wire        {bus}_tlast,\n"
        "\n"
        for bus, port in interface.weights.items()
    )
    return streams + ("" if interface.weight_beats is None else _INSTANCE_PORTS)


def connections(interface: Interface) -> str:
    """The instance's connections to them."""
    streams = "".join(
        f"    .{bus}_{name} ({bus}_{name}),\n"
        for bus in interface.weights
        for name in ("tdata", "tvalid", "tready", "tlast")
    )
    return streams + ("" if interface.weight_beats is None else _CONNECTIONS)
