"""A modulo counter: the smallest piece that nearly every layer needs."""

from amaranth.hdl import Module, Signal

__all__ = ["count", "counter_bits"]


def count(m: Module, modulo: int, step: Signal, name: str | None = None) -> tuple[Signal, Signal]:
    """A counter 0..modulo-1 that advances in cycles with `step`; returns (value, whether it is the last value)."""
    value = Signal(range(max(modulo, 2)), name=name or "count")
    last = Signal(name=f"{name or 'count'}_last")
    m.d.comb += last.eq(value == modulo - 1)
    if modulo > 1:
        with m.If(step):
            m.d.sync += value.eq(value + 1)
            if modulo & (modulo - 1):  # powers of two wrap by themselves
                with m.If(last):
                    m.d.sync += value.eq(0)
    return value, last


def counter_bits(modulo: int) -> int:
    """Flip-flops of `count`: none where there is nothing to count."""
    return (max(modulo, 1) - 1).bit_length()
