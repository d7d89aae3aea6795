"""A modulo counter: the smallest piece that nearly every layer needs."""

from amaranth.hdl import Module, Mux, Signal, Value

__all__ = ["count", "counter_bits", "counter_ff", "counter_luts"]


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


def counter_ff(modulo: int) -> int:
    """Flip-flops of `count`: of two values, the last one is the count itself."""
    return counter_bits(modulo) + (modulo > 2)


def counter_luts(modulo: int) -> int:
    """LUTs of `count`: one a bit to begin again, none on the carry chain alone; and those of the last value."""
    bits = counter_bits(modulo)
    return min(bits, 2) if modulo & (modulo - 1) == 0 else bits + 1 + -(-bits // 5)
