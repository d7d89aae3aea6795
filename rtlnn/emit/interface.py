"""The boundary of a built design, as plain data: what a test bench, a shell, a host program or a stranger must know.

Written to `BUILD_DIR/interface.json`. In memory a frame is its elements in NHWC order, little-endian, each in
`element_bits` bits, without gaps.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Interface", "StreamPort"]


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
class Interface:
    """The top module `top` with its ports `s_axis` and `m_axis`, its latency and its interval in clock cycles.

    `kernel` is the name of the platform shell's top module, None for a platform without a shell. `weight_beats` are the
    beats that `s_axis_weights` takes before the first frame (`mem/weights.bin`), None where there is no such port.
    """

    top: str
    kernel: str | None
    input: StreamPort
    output: StreamPort
    latency_cycles: int
    interval_cycles: int
    weight_beats: int | None = None

    def to_json(self) -> str:
        data = asdict(self)
        if self.weight_beats is None:
            del data["weight_beats"]
        return json.dumps(data, indent=2) + "\n"

    @classmethod
    def load(cls, build_dir: Path) -> "Interface":
        """Read `build_dir/interface.json`."""
        data: dict[str, Any] = json.loads((build_dir / "interface.json").read_text())
        for side in ("input", "output"):
            data[side] = StreamPort(**{**data[side], "shape": tuple(data[side]["shape"])})
        return cls(**data)
