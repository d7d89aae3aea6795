"""A modulo counter: the smallest piece that nearly every layer needs."""

from amaranth.hdl import Module, Mux, Signal, Value

__all__ = ["count", "counter_bits"]


def count(m: Module, modulo: int, step: Value, name: str | None = None) -> tuple[Signal, Signal]:
    """A counter 0..modulo-1 that advances in cycles with `step`; returns (value, whether it is the last value).

    The latter is a register too, for short paths behind it.
    """
    value = Signal(range(max(modulo, 2)), name=name or "count")
    last = Signal(name=f"{name or 'count'}_last", init=modulo == 1)
    if modulo > 1:
        wraps = modulo & (modulo - 1) == 0  # by itself
        with m.If(step):
            m.d.sync += [value.eq(value + 1 if wraps else Mux(last, 0, value + 1)), last.eq(value == modulo - 2)]
    return value, last


def counter_bits(modulo: int) -> int:
    """Bits that count so far: none where there is nothing to count."""
    return (max(modulo, 1) - 1).bit_length()
