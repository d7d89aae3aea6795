"""How full a queue is, as two registers."""

from amaranth.hdl import Module, Mux, Signal, Value

__all__ = ["occupancy"]


def occupancy(m: Module, capacity: int, push: Value, pop: Value, name: str) -> tuple[Signal, Signal]:
    """Whether a queue of `capacity` places, which begins empty, holds anything, and whether it has room.

    Both are registers, for short paths behind them; they know a cycle later of what comes (`push`) and leaves (`pop`).
    Neither may be high in vain: `push` needs room, `pop` something that is held.
    """
    level = Signal(range(capacity + 1), name=f"{name}_level")
    some, room = Signal(name=f"{name}_some"), Signal(name=f"{name}_room", init=1)
    with m.If(push ^ pop):
        m.d.sync += [
            level.eq(level + Mux(push, 1, -1)),
            some.eq(push | (level != 1)),
            room.eq(pop | (level != capacity - 1)),
        ]
    return some, room
