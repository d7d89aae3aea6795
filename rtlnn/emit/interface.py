"""The boundary of a built design, as plain data: what a test bench, a shell, a host program or a stranger must know.

Written to `BUILD_DIR/interface.json`. In memory a frame is its elements in NHWC order, little-endian, each in
`element_bits` bits, without gaps.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import lcm
from pathlib import Path
from typing import Any

__all__ = ["ComputeUnit", "Interface", "StreamPort", "WeightPort"]


@dataclass(frozen=True)
class StreamPort:
    """One AXI4-Stream port of the top module.

    Parameters
    ----------
    shape : (height, width, channels) of a frame
    elements : values a beat: a part of a pixel that divides its channels, or several whole pixels; frames have no gaps
    bits : bits of a value
    element_bits : bits that a value takes in `tdata` and in memory: 8, 16 or 32 (sign- or zero-extended)
    signed : whether values are two's complement
    scale, zero_point : real = scale * (integer - zero_point)
    """

    shape: tuple[int, int, int]
    elements: int
    bits: int
    element_bits: int
    signed: bool
    scale: float
    zero_point: int

    @property
    def frame_elements(self) -> int:
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def beats(self) -> int:
        """Beats a frame."""
        return self.frame_elements // self.elements

    @property
    def tdata_bits(self) -> int:
        return self.elements * self.element_bits

    @property
    def frame_bytes(self) -> int:
        return self.frame_elements * self.element_bits // 8

    @property
    def dtype(self) -> str:
        """NumPy dtype of an element in memory."""
        return f"{'i' if self.signed else 'u'}{self.element_bits // 8}"


@dataclass(frozen=True)
class ComputeUnit:
    """One copy of the kernel on a card.

    Parameters
    ----------
    name : of the instance
    slr : the die that it is placed in; None leaves that to the vendor's tools
    banks : for each of its memory buses the memory bank
    """

    name: str
    slr: str | None
    banks: Mapping[str, str]


@dataclass(frozen=True)
class WeightPort:
    """An AXI4-Stream port through which a layer's weights come, again and again.

    Parameters
    ----------
    layer : the layer
    tdata_bits : bits of a beat
    beats : of all weights; `tlast` is high on the last one, and is not needed
    batch : frames for which they come once
    pace : (beats, cycles) that the plan counts on: so many beats in so many cycles
    file : in the folder of the memory files: their bytes, the lowest one of a beat first
    channel : number of the memory channel that the plan takes them from
    """

    layer: str
    tdata_bits: int
    beats: int
    batch: int
    pace: tuple[int, int]
    file: str
    channel: int = 0

    @property
    def bytes(self) -> int:
        """Of all weights."""
        return self.beats * self.tdata_bits // 8


@dataclass(frozen=True)
class Interface:
    """The top module `top` with its ports, its latency and its interval in clock cycles.

    `inputs` and `outputs` are streams by the names of their buses: `s_axis` and `m_axis` where there is one of them,
    else `s_axis_<name>` and `m_axis_<name>`. `kernel` is the name of the platform shell's top module, None for a
    platform without a shell. `weight_beats` are the beats that `s_axis_weights` takes before the first frame
    (`mem/weights.bin`), None where there is no such port. `units` are the copies of the kernel, where the platform's
    shell can have several. `weights` are the streams of the layers whose weights come from external memory, by the
    names of their buses.
    """

    top: str
    kernel: str | None
    inputs: Mapping[str, StreamPort]
    outputs: Mapping[str, StreamPort]
    latency_cycles: int
    interval_cycles: int
    weight_beats: int | None = None
    units: tuple[ComputeUnit, ...] = ()
    weights: Mapping[str, WeightPort] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Frames come out in multiples of so many."""
        return lcm(*(port.batch for port in self.weights.values()))

    @property
    def input(self) -> StreamPort:
        """The only input. Raises `ValueError` if there are several."""
        (port,) = self.inputs.values()
        return port

    @property
    def output(self) -> StreamPort:
        """The only output. Raises `ValueError` if there are several."""
        (port,) = self.outputs.values()
        return port

    def to_json(self) -> str:
        data = asdict(self)
        if self.weight_beats is None:
            del data["weight_beats"]
        if not self.units:
            del data["units"]
        if not self.weights:
            del data["weights"]
        return json.dumps(data, indent=2) + "\n"

    @classmethod
    def load(cls, build_dir: Path) -> "Interface":
        """Read `build_dir/interface.json`."""
        data: dict[str, Any] = json.loads((build_dir / "interface.json").read_text())
        for side in ("inputs", "outputs"):
            ports = data[side].items()
            data[side] = {name: StreamPort(**{**port, "shape": tuple(port["shape"])}) for name, port in ports}
        data["units"] = tuple(ComputeUnit(**unit) for unit in data.get("units", ()))
        ports = data.get("weights", {}).items()
        data["weights"] = {name: WeightPort(**{**port, "pace": tuple(port["pace"])}) for name, port in ports}
        return cls(**data)
