"""What a synthesis found: plain data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

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
    dsp : DSP48E2
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
    depth : the most LUTs in a row between registers; carry chains, memories and multipliers not counted
    memory : it is a read-only memory, counted by its size and not synthesized
    """

    name: str
    instances: int
    cells: Cells
    depth: int
    memory: bool


@dataclass(frozen=True)
class SynthResult:
    """A whole design: `cells` is the sum over all instances of `modules`; `seconds` is the time it took."""

    top: str
    cells: Cells
    modules: tuple[ModuleCells, ...]
    seconds: float
    tool: str

    @property
    def depth(self) -> int:
        """The most LUTs in a row between registers, in any module."""
        return max(module.depth for module in self.modules)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the totals at the top level, `modules` as a list of the same."""
        modules = [
            {"name": m.name, "instances": m.instances, **asdict(m.cells), "depth": m.depth, "memory": m.memory}
            for m in self.modules
        ]
        return {
            "top": self.top,
            **asdict(self.cells),
            "depth": self.depth,
            "seconds": round(self.seconds, 1),
            "tool": self.tool,
            "modules": modules,
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2) + "\n"
