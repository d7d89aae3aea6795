"""What a synthesis found: plain data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rtlnn.synthesis.family import Family
from rtlnn.synthesis.timing import Path

__all__ = ["Cells", "ModuleCells", "SynthResult"]

_LUTRAM_LUTS = {
    "RAM32X1S": 1,
    "RAM32X1D": 2,
    "RAM32M": 4,
    "RAM32M16": 8,
    "RAM32X16DR8": 8,
    "RAM64X1S": 1,
    "RAM64X1D": 2,
    "RAM64M": 4,
    "RAM64M8": 8,
    "RAM64X8SW": 8,
    "RAM128X1S": 2,
    "RAM128X1D": 4,
    "RAM256X1S": 4,
    "RAM256X1D": 8,
    "RAM512X1S": 8,
}
"""LUTs of each memory cell (UG974)."""


@dataclass(frozen=True)
class Cells:
    """Amounts of cells.

    Parameters
    ----------
    lut : all LUTs: logic, memories and shift registers made of LUTs; two small ones that could share a site count twice
    lutram, srl : LUTs among them that are memories, and shift registers
    ff : flip-flops
    dsp : DSP48E1 or DSP48E2
    bram36, bram18 : block RAMs of 36 and of 18 Kbit
    uram : UltraRAMs
    carry : carry chains, in pieces of 4 bits
    """

    lut: int = 0
    lutram: int = 0
    srl: int = 0
    ff: int = 0
    dsp: int = 0
    bram36: int = 0
    bram18: int = 0
    uram: int = 0
    carry: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> "Cells":
        """From the numbers of library cells by type. An inverter counts as a LUT."""

        def count(*prefixes: str) -> int:
            return sum(n for name, n in counts.items() if name.startswith(prefixes))

        lutram = sum(n * _LUTRAM_LUTS[name] for name, n in counts.items() if name in _LUTRAM_LUTS)
        srl = count("SRL")
        return cls(
            lut=count("LUT", "INV") + lutram + srl,
            lutram=lutram,
            srl=srl,
            ff=count("FDRE", "FDSE", "FDCE", "FDPE"),
            dsp=count("DSP48"),
            bram36=count("RAMB36"),
            bram18=count("RAMB18"),
            uram=count("URAM288"),
            carry=count("CARRY4") + 2 * count("CARRY8"),
        )

    def __add__(self, other: "Cells") -> "Cells":
        return Cells(**{name: value + getattr(other, name) for name, value in asdict(self).items()})

    def __mul__(self, times: int) -> "Cells":
        return Cells(**{name: value * times for name, value in asdict(self).items()})


@dataclass(frozen=True)
class ModuleCells:
    """One module of the design.

    Parameters
    ----------
    name : of the module
    instances : in the whole design
    cells : of one instance, without the modules that it instantiates
    paths : the longest paths inside it, and from or to its ports; the longest first
    arriving : LUT levels of the longest path from one of its ports, or a module that it instantiates, to a register
    leaving : the same from a register
    memory : it is a read-only memory, counted by its size and not synthesized
    """

    name: str
    instances: int
    cells: Cells
    paths: tuple[Path, ...]
    arriving: float
    leaving: float
    memory: bool

    @property
    def depth(self) -> float:
        """LUT levels of the longest path (see `rtlnn.synthesis.arcs`)."""
        return self.paths[0].levels if self.paths else 0.0


@dataclass(frozen=True)
class SynthResult:
    """A whole design.

    Parameters
    ----------
    top, family : its top module, and the family of chips that it was synthesized for
    cells : the sum over all instances of `modules`
    path : the longest path between registers, memories and multipliers, or from or to the top's ports, across modules
    seconds : the time it took
    tool : with its version
    """

    top: str
    family: Family
    cells: Cells
    modules: tuple[ModuleCells, ...]
    path: Path | None
    seconds: float
    tool: str

    @property
    def depth(self) -> float:
        """LUT levels of the longest path, 8 elements of a carry chain counted as one."""
        return self.path.levels if self.path else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the totals at the top level, `modules` as a list of the same."""
        modules = [
            {
                "name": m.name,
                "instances": m.instances,
                **asdict(m.cells),
                "depth": m.depth,
                "paths": [asdict(path) for path in m.paths],
                "arriving": m.arriving,
                "leaving": m.leaving,
                "memory": m.memory,
            }
            for m in self.modules
        ]
        return {
            "top": self.top,
            "family": self.family.value,
            **asdict(self.cells),
            "depth": self.depth,
            "path": asdict(self.path) if self.path else None,
            "seconds": round(self.seconds, 1),
            "tool": self.tool,
            "modules": modules,
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"
