"""Logic depth: what each kind of cell adds to a path between registers, DSPs and RAMs.

Depth is counted in LUT levels, in steps of an eighth:
- a LUT (an inverter, the read of a LUTRAM from its address, a shift register LUT from its address) is one level;
- eight elements of a carry chain are one level. A path counts those that it passes: from CI to CO of a CARRY4 it is
  four, from S[i] or DI[i] to CO[3] 4 - i, from S[i] to O[i], which is but the final XOR, one;
- MUXF7, MUXF8 and MUXF9 are none: they join LUTs of one slice over wires of its own, in a tenth of the time that a LUT
  takes with the routing to it. (Vivado's count of logic levels has them as levels.)
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

__all__ = ["LEVEL", "Bit", "arcs", "combinational"]

LEVEL = 8
"""Eighths of a level."""

Bit: TypeAlias = int | str
"""A net as Yosys numbers it; a text is a constant."""

Arc: TypeAlias = tuple[int, int, int]
"""Input net, output net, eighths."""

_LOGIC = {"LUT": LEVEL, "INV": LEVEL, "MUXF": 0}


def combinational(kind: str) -> bool:
    """Whether a path can go through a cell of this kind; all others begin and end it."""
    return kind.startswith((*_LOGIC, "CARRY", "SRL")) or (kind.startswith("RAM") and not kind.startswith("RAMB"))


def arcs(kind: str, inputs: Mapping[str, Sequence[Bit]], outputs: Mapping[str, Sequence[Bit]]) -> Iterator[Arc]:
    """The paths through a combinational cell, given the nets of its ports."""
    if kind.startswith("CARRY"):
        yield from _carry(inputs, outputs)
        return
    logic = next((eighths for prefix, eighths in _LOGIC.items() if kind.startswith(prefix)), None)
    for port, bits in inputs.items():
        for target, driven in outputs.items():
            if logic is not None or _selects(port, target):
                weight = LEVEL if logic is None else logic
                yield from ((a, b, weight) for a in bits for b in driven if isinstance(a, int) and isinstance(b, int))


def _selects(port: str, target: str) -> bool:
    """Whether a memory of LUTs, or a shift register, shows the bit that `port` addresses at its output `target`."""
    if port.startswith("ADDR"):
        return target == f"DO{port.removeprefix('ADDR')}"
    if port.startswith("DPRA"):
        return target == "DPO"
    return port.rstrip("0123456789") == "A" and (target in ("Q", "SPO") or target.startswith("O"))


def _carry(inputs: Mapping[str, Sequence[Bit]], outputs: Mapping[str, Sequence[Bit]]) -> Iterator[Arc]:
    """CO[n] = S[n] ? CO[n-1] : DI[n], O[n] = S[n] ^ CO[n-1]; before the first element there is CI or CYINIT."""
    for port, bits in inputs.items():
        for place, bit in enumerate(bits):
            begin = place if port in ("S", "DI") else 0
            for target, driven in outputs.items():
                # the sum of its own element does not depend on DI
                first = begin + (port == "DI" and target == "O")
                for n in range(first, len(driven)):
                    net = driven[n]
                    if isinstance(bit, int) and isinstance(net, int):
                        yield bit, net, n - begin + 1
