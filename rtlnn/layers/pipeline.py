"""Pieces of free-running pipelines."""

from collections.abc import Callable, Sequence

from amaranth.hdl import Module, Signal, Value

__all__ = ["delayed", "reduce_tree", "registered", "tree_latency", "tree_registers"]

_LEVELS_PER_REGISTER = 2


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
    """A balanced tree with a register after every second level: (result, latency in cycles)."""
    level, latency = list(values), 0
    while len(level) > 1:
        for _ in range(_LEVELS_PER_REGISTER):
            pairs = [combine(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
            level = pairs + level[len(pairs) * 2 :]
        level = [registered(m, v, f"{name}{latency}_{n}") for n, v in enumerate(level)]
        latency += 1
    return level[0], latency


def tree_latency(leaves: int) -> int:
    """Latency of `reduce_tree` over `leaves` values."""
    latency = 0
    while leaves > 1:
        leaves = -(-leaves // (1 << _LEVELS_PER_REGISTER))
        latency += 1
    return latency


def tree_registers(leaves: int) -> int:
    """Values that `reduce_tree` registers over `leaves` values."""
    registers = 0
    while leaves > 1:
        leaves = -(-leaves // (1 << _LEVELS_PER_REGISTER))
        registers += leaves
    return registers
