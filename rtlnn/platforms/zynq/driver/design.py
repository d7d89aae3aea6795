"""What the driver works on: a design, its registers, and memory."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

__all__ = ["Buffer", "Design", "DriverError", "Port", "Registers"]


class DriverError(RuntimeError):
    """The board does not hold this design, or the hardware failed."""


class Registers(Protocol):
    """Registers of 32 bits by their byte offsets, as `pynq.MMIO` gives them."""

    def read(self, offset: int) -> int: ...

    def write(self, offset: int, value: int) -> None: ...


class Buffer(Protocol):
    """Memory that the DMA engine reaches, with its bytes as an array: `pynq.allocate(shape=(n,), dtype=np.uint8)`."""

    device_address: int

    def __getitem__(self, key: Any) -> Any: ...

    def __setitem__(self, key: Any, value: Any) -> None: ...

    def flush(self) -> None: ...

    def invalidate(self) -> None: ...

    def freebuffer(self) -> None: ...


@dataclass(frozen=True)
class Port:
    """One side of the network: frames (height, width, channels) of integers; real = scale * (integer - zero_point).

    `bits` of an element count; in memory it has the type `dtype`.
    """

    shape: tuple[int, int, int]
    dtype: str
    bits: int
    scale: float
    zero_point: int
    stride: int

    @property
    def bounds(self) -> tuple[int, int]:
        low = -(1 << self.bits - 1) if self.dtype.startswith("i") else 0
        return low, low + (1 << self.bits) - 1

    @property
    def frame_bytes(self) -> int:
        return int(np.prod(self.shape)) * int(self.dtype[1:])


@dataclass(frozen=True)
class Design:
    """What the driver must know of a build; `design` is the number that its shell tells."""

    name: str
    design: int
    input: Port
    output: Port
    most_frames: int
    weight_bytes: int | None

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def load(cls, path: Path) -> "Design":
        data: dict[str, Any] = json.loads(path.read_text())
        for side in ("input", "output"):
            data[side] = Port(**{**data[side], "shape": tuple(data[side]["shape"])})
        return cls(**data)
