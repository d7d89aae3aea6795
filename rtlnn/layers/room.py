"""Room in a queue, counted from the other end of a pipeline that is never held up."""

from amaranth.hdl import Module, Signal, Value

__all__ = ["room"]


def room(m: Module, slots: int, enters: Value, leaves: Value) -> Value:
    """Whether one more may enter where at most `slots` are under way; a place is free the cycle after one leaves."""
    free = Signal(range(slots + 1), init=slots, name="room")
    m.d.sync += free.eq(free + leaves - enters)
    return free != 0
