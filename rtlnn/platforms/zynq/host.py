"""The drivers that a build brings along: Python for PYNQ, and C without an operating system."""

from importlib.resources import files
from pathlib import Path
from string import Template

from rtlnn.emit.interface import Interface
from rtlnn.ir.types import Array
from rtlnn.platforms.c_sources import port_values, vectors_header
from rtlnn.platforms.identity import MAGIC
from rtlnn.platforms.spec import Platform
from rtlnn.platforms.vectors import self_test_vectors
from rtlnn.platforms.zynq.driver import Design, Port
from rtlnn.platforms.zynq.layout import Layout
from rtlnn.platforms.zynq.registers import VERSION

__all__ = ["design_of", "host_arrays", "host_files"]

_PACKAGE = "rtlnn_zynq"
"""Folder of the Python driver in a build."""
_CACHE_LINE = 64
"""Bytes, at most: of a Cortex-A53; a Cortex-A9 has 32."""
_LOAD_WEIGHTS = """\
    /* Link mem/weights.bin into the program as `weights`, aligned to 8 bytes: objcopy, or an array. */
    extern const unsigned char weights[];
    result = {top}_load_weights(&device, weights, {macro}_WEIGHT_BYTES);
    if (result != {macro}_OK) {{
        printf("{top}: the weights were not taken: error %d\\n", result);
        return 1;
    }}
"""


def design_of(interface: Interface, layout: Layout) -> Design:
    """What the Python driver must know."""
    source, sink = interface.input, interface.output
    ports = [
        Port(port.shape, port.dtype, port.bits, port.scale, port.zero_point, stride)
        for port, stride in ((source, layout.input_stride), (sink, layout.output_stride))
    ]
    weights = None if interface.weight_beats is None else interface.weight_beats * 8
    return Design(interface.top, layout.design, ports[0], ports[1], layout.most_frames, weights)


def host_files(interface: Interface, platform: Platform, layout: Layout, out_dir: Path) -> dict[str, str]:
    """Texts by their path in the build folder `out_dir`, which holds the network already."""
    values = _values(interface, platform, layout)
    top = interface.top
    names = {f"{top}.h": "driver.h.in", f"{top}.c": "driver.c.in", "main.c": "main.c.in", f"{top}.py": "host.py.in"}
    texts = {
        f"host/{name}": Template(_text("templates", template)).substitute(values) for name, template in names.items()
    }
    texts["host/design.json"] = design_of(interface, layout).to_json()
    texts[f"host/{top}_vectors.h"] = vectors_header(interface, out_dir)
    package = files("rtlnn.platforms.zynq").joinpath("driver")
    for source in sorted(part.name for part in package.iterdir() if part.name.endswith(".py")):
        texts[f"host/{_PACKAGE}/{source}"] = _text("driver", source)
    return texts


def host_arrays(interface: Interface, out_dir: Path) -> dict[str, Array]:
    """The frames of the self-test in Python, and their results, by their path in the build folder."""
    given, wanted = self_test_vectors(interface, out_dir)
    return {"host/self_test/input.npy": given, "host/self_test/output.npy": wanted}


def _values(interface: Interface, platform: Platform, layout: Layout) -> dict[str, object]:
    top = interface.top
    values: dict[str, object] = {
        "top": top,
        "macro": top.upper(),
        "kernel": interface.kernel,
        "platform": platform.name,
        "package": _PACKAGE,
        "magic": f"0x{MAGIC:08X}",
        "version": VERSION,
        "dma_base": f"0x{layout.dma_base:08X}",
        "core_base": f"0x{layout.core_base:08X}",
        "weights_base": f"0x{layout.weights_base or 0:08X}",
        "design_low": f"0x{layout.design & 0xFFFFFFFF:08X}",
        "design_high": f"0x{layout.design >> 32:08X}",
        "most_frames": layout.most_frames,
        "alignment": max(layout.word_bytes, _CACHE_LINE),
        "weight_bytes": 8 * (interface.weight_beats or 0),
        "load_weights": "",
    }
    if interface.weight_beats is not None:
        values["load_weights"] = _LOAD_WEIGHTS.format(top=top, macro=top.upper())
    for side, port, stride in (
        ("input", interface.input, layout.input_stride),
        ("output", interface.output, layout.output_stride),
    ):
        values |= port_values(side, port, stride)
    return values


def _text(*path: str) -> str:
    return files("rtlnn.platforms.zynq").joinpath(*path).read_text(encoding="utf-8")
