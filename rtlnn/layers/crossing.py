"""A stream from one die of a chip to another."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import PassingLayer, Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.fifo import Fifo, FifoConfig
from rtlnn.layers.stream import StreamSignature, connect
from rtlnn.layers.timing import Events, Link

__all__ = ["Crossing", "CrossingConfig"]

_BORDER = {"shreg_extract": "no"}
"""For Vivado: a register beside the wires between dies, never part of a shift register."""


@dataclass(frozen=True)
class CrossingConfig(PassingLayer):
    """A queue of which the two ends are on different dies, `borders` of them apart; full rate.

    Each border has a register in front of it and one behind it, in both directions, with nothing between them but wire.
    The sending end counts the places that are free at the receiving end, so that nothing in between ever stops.
    Latency: 1 cycle, and 2 for each border.
    """

    borders: int = 1

    def __post_init__(self) -> None:
        if self.borders < 1:
            raise ValueError(f"a crossing has at least one border, not {self.borders}")

    @property
    def registers(self) -> int:
        """On the way, in each direction."""
        return 2 * self.borders

    @property
    def queue(self) -> FifoConfig:
        """At the receiving end: as many places as there are cycles until one that was taken can be taken again."""
        return FifoConfig(self.format, 2 * self.registers + 2)

    @property
    def resources(self) -> Resources:
        width, bits = self.format.width + 1, counter_bits(self.queue.depth + 1)
        own = Resources(lut=2 * bits + 2, ff=(width + 2) * self.registers + bits)
        return own + self.queue.resources

    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        way = self.registers + 1
        i.taken.after(o.taken, way, behind=self.queue.depth)
        o.taken.after(i.taken, way)
        return ()

    def component(self) -> "Crossing":
        return Crossing(self)


class Crossing(wiring.Component):
    """A submodule for each die, `die0` where the stream comes from: `USER_SLR_ASSIGNMENT` is for modules.

    Members
    -------
    i, o : streams
    """

    def __init__(self, config: CrossingConfig) -> None:
        self.config = config
        super().__init__({"i": In(StreamSignature(config.format)), "o": Out(StreamSignature(config.format))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.submodules.die0 = before = _Sender(c)
        connect(m, wiring.flipped(self.i), before.i)
        for n in range(1, c.borders):
            m.submodules[f"die{n}"] = between = _Between(c.format.width + 1)
            m.d.comb += [between.word.eq(before.next_word), between.valid.eq(before.next_valid)]
            m.d.comb += before.next_freed.eq(between.freed)
            before = between
        m.submodules[f"die{c.borders}"] = end = _Receiver(c)
        m.d.comb += [end.word.eq(before.next_word), end.valid.eq(before.next_valid), before.next_freed.eq(end.freed)]
        connect(m, end.o, wiring.flipped(self.o))
        return m


class _Sender(wiring.Component):
    """Takes a beat where a place is free for it at the other end."""

    def __init__(self, config: CrossingConfig) -> None:
        self.config = config
        ways = {"next_word": Out(config.format.width + 1), "next_valid": Out(1), "next_freed": In(1)}
        super().__init__({"i": In(StreamSignature(config.format)), **ways})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self.config.queue.depth
        room = Signal(range(depth + 1), init=depth)
        push = Signal()
        m.d.comb += [self.i.tready.eq(room != 0), push.eq(self.i.tvalid & self.i.tready)]
        m.d.sync += room.eq(room - push + _border(m, self.next_freed, "freed", reset=True))
        m.d.comb += [
            self.next_word.eq(_border(m, Cat(self.i.tdata, self.i.tlast), "leaving")),
            self.next_valid.eq(_border(m, push, "leaving_valid", reset=True)),
        ]
        return m


class _Between(wiring.Component):
    """A die that a stream passes through."""

    def __init__(self, width: int) -> None:
        back = {"freed": Out(1), "next_freed": In(1)}
        super().__init__({"word": In(width), "valid": In(1), "next_word": Out(width), "next_valid": Out(1), **back})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for source, target, reset in (
            (self.word, self.next_word, False),
            (self.valid, self.next_valid, True),
            (self.next_freed, self.freed, True),
        ):
            came = _border(m, source, f"{source.name}_came", reset)
            m.d.comb += target.eq(_border(m, came, f"{source.name}_leaves", reset))
        return m


class _Receiver(wiring.Component):
    """The queue."""

    def __init__(self, config: CrossingConfig) -> None:
        self.config = config
        ways = {"word": In(config.format.width + 1), "valid": In(1), "freed": Out(1)}
        super().__init__({"o": Out(StreamSignature(config.format)), **ways})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.queue = queue = Fifo(self.config.queue)
        m.d.comb += [
            Cat(queue.i.tdata, queue.i.tlast).eq(_border(m, self.word, "came")),
            queue.i.tvalid.eq(_border(m, self.valid, "came_valid", reset=True)),
            self.freed.eq(_border(m, self.o.tvalid & self.o.tready, "freed", reset=True)),
        ]
        connect(m, queue.o, wiring.flipped(self.o))
        return m


def _border(m: Module, value: Value, name: str, reset: bool = False) -> Signal:
    """A register beside a border."""
    result = Signal(value.shape(), name=f"{name}_border", reset_less=not reset, attrs=_BORDER)
    m.d.sync += result.eq(value)
    return result
