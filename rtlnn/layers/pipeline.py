"""Pieces of free-running pipelines."""

from collections.abc import Callable, Sequence

from amaranth.hdl import Module, Signal, Value

__all__ = ["SHIFTED", "delayed", "reduce_to", "reduce_tree", "registered", "tree_ff", "tree_latency", "tree_luts"]

SHIFTED = 3
"""Registers in a row, of data, that synthesis makes a shift register LUT of."""


def registered(m: Module, value: Value, name: str, reset: bool = False) -> Signal:
    """`value`, one cycle later. Data need no reset, and without one a delay line fits a shift register LUT."""
    result = Signal(value.shape(), name=name, reset_less=not reset)
    m.d.sync += result.eq(value)
    return result


def delayed(m: Module, value: Value, cycles: int, name: str, reset: bool = False) -> Value:
    """`value`, `cycles` cycles later; a flag that says whether data are valid needs its `reset`."""
    # Verilog has no empty wires: what has no bits needs no delay
    for n in range(cycles if len(value) else 0):
        value = registered(m, value, f"{name}_{n + 1}", reset)
    return value


def reduce_tree(
    m: Module, values: Sequence[Value], combine: Callable[[Value, Value], Value], name: str
) -> tuple[Value, int]:
    """A balanced tree with a register after every level, for two carry chains in a row are too long a path.

    Returns the result and the latency in cycles.
    """
    level, latency = reduce_to(m, values, combine, name, 1)
    return level[0], latency


def reduce_to(
    m: Module, values: Sequence[Value], combine: Callable[[Value, Value], Value], name: str, most: int
) -> tuple[list[Value], int]:
    """As `reduce_tree`, until no more than `most` values are left."""
    level, latency = list(values), 0
    while len(level) > most:
        pairs = [combine(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = [registered(m, v, f"{name}{latency}_{n}") for n, v in enumerate(pairs + level[len(pairs) * 2 :])]
        latency += 1
    return level, latency


def tree_latency(leaves: int) -> int:
    """Latency of `reduce_tree` over `leaves` values; one less until two are left."""
    return (leaves - 1).bit_length()


def tree_ff(leaves: int, bits: int, growth: int = 0, most: int = 1, registers: int = 0) -> int:
    """Flip-flops of `reduce_to` over `leaves` values of `bits` bits, `growth` bits more after every level.

    The last one of an odd number waits; where that makes a row of registers, with those that leaves have in front of
    them, they become a shift register LUT.
    """
    total, row, last = 0, registers, bits
    while leaves > most:
        pairs, bits = leaves // 2, bits + growth
        total += pairs * bits
        if leaves % 2 == 0:
            row, last = 1, bits
        else:
            row += 1
            total += last if row < SHIFTED else -(SHIFTED - 1) * last if row == SHIFTED else 0
        leaves -= pairs
    return total


def tree_luts(leaves: int, bits: int) -> int:
    """LUTs of a tree of adders, the sums of which have a bit more after every level."""
    total = 0
    while leaves > 1:
        total += leaves // 2 * bits
        leaves, bits = -(-leaves // 2), bits + 1
    return total
