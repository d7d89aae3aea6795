"""The stub core (`stub_core.v`): its widths, and the boundary that they make."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rtlnn.emit.interface import Interface, StreamPort

_FILE = "sizes.json"


@dataclass(frozen=True)
class Sizes:
    """Bytes a beat of input and output, and beats a frame; beats of weights (8 bytes each), 0 for a core without."""

    in_bytes: int
    out_bytes: int
    beats: int
    weights: int = 0

    @property
    def in_frame(self) -> int:
        return self.in_bytes * self.beats

    @property
    def out_frame(self) -> int:
        return self.out_bytes * self.beats

    @property
    def defines(self) -> dict[str, str]:
        """Macros of `stub_core.v`."""
        return {f"STUB_{name.upper()}": str(value) for name, value in asdict(self).items() if value}

    @property
    def interface(self) -> Interface:
        """Core `core` with a kernel; an element is a byte."""

        def port(width: int) -> StreamPort:
            return StreamPort((1, self.beats, width), width, 8, 8, False, 1.0, 0)

        made = Interface(
            "core", "core_kernel", {"s_axis": port(self.in_bytes)}, {"m_axis": port(self.out_bytes)}, 1, self.beats
        )
        return replace(made, weight_beats=self.weights or None)

    def save(self, folder: Path) -> None:
        (folder / _FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> "Sizes":
        return cls(**json.loads((folder / _FILE).read_text()))
