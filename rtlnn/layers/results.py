"""From the sums of a pass to beats of the output stream."""

from dataclasses import dataclass

from amaranth.hdl import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count, counter_bits
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.rom import lutram
from rtlnn.layers.stream import StreamFormat, StreamSignature

__all__ = ["PassShape", "ResultQueue", "Serializer"]


@dataclass(frozen=True)
class PassShape:
    """How the sums of a position become beats.

    Parameters
    ----------
    sums : sums a pass (PE)
    lanes : sums a beat; divides `sums`
    passes : passes a position
    channels : channels a position; the sums beyond them are dropped
    """

    sums: int
    lanes: int
    passes: int
    channels: int

    @property
    def groups(self) -> int:
        """Beats a full pass."""
        return self.sums // self.lanes

    @property
    def beats(self) -> int:
        """Beats a position."""
        return -(-self.channels // self.lanes)

    @property
    def last_groups(self) -> int:
        """Beats of a position's last pass."""
        return self.beats - (self.passes - 1) * self.groups

    def serializer_resources(self, acc_bits: int) -> Resources:
        """The sums, a choice between the groups (a LUT takes three of its inputs away), and two counters."""
        counters = 2 * counter_bits(self.groups) + counter_bits(self.passes * self.groups)
        choice = self.lanes * acc_bits * -(-(self.groups - 1) // 3)
        return Resources(lut=choice + counters + 2, ff=self.sums * acc_bits + counters + 2)

    def queue_resources(self, fmt: StreamFormat, slots: int) -> Resources:
        """The memory and its counters, each bit of which takes about a LUT."""
        depth = max(slots * self.groups, 2)
        counters = counter_bits(depth + 1) + 2 * counter_bits(depth)
        counters += counter_bits(fmt.beats) + counter_bits(self.groups) + counter_bits(self.passes)
        return Resources(lut=lutram(depth, fmt.width) + counters + 4, ff=counters)


class Serializer(wiring.Component):
    """Holds the sums of a pass and passes on `lanes` of them a cycle, with their parameters.

    Latency: the first sums of a pass leave the cycle after `done`. The address of their parameters is on
    `parameter_address` two cycles before (a memory with two cycles of latency), that is in the cycle of `early`.
    """

    def __init__(self, shape: PassShape, acc_bits: int) -> None:
        self.shape, self.acc_bits = shape, acc_bits
        super().__init__(
            {
                "acc": In(shape.sums * acc_bits),
                "done": In(1),
                "early": In(1),
                "parameter_address": Out(range(max(shape.passes * shape.groups, 2))),
                "sums": Out(shape.lanes * acc_bits),
                "valid": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self.shape
        left = Signal(range(max(s.groups, 2)))
        active = Signal()
        m.d.comb += active.eq(self.early | (left != 0))
        with m.If(self.early):
            m.d.sync += left.eq(s.groups - 1)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        index, _ = count(m, s.passes * s.groups, active, "index")
        # held and picked from, not shifted: a bit of a shift register with a parallel load costs a LUT, of 16:1 a third
        width = s.lanes * self.acc_bits
        held = Signal(s.sums * self.acc_bits, reset_less=True)
        place = Signal(range(max(s.groups, 2)), reset_less=True)
        with m.If(self.done):
            m.d.sync += held.eq(self.acc)
        if s.groups > 1:
            m.d.sync += place.eq(Mux(self.done, 0, place + 1))
        m.d.comb += [
            self.parameter_address.eq(index),
            self.sums.eq(Array(held[n * width :][:width] for n in range(s.groups))[place]),
            self.valid.eq(delayed(m, active & (index < s.beats), 2, "active", reset=True)),
        ]
        return m


class ResultQueue(wiring.Component):
    """The FIFO that holds every result that has been promised room, and returns the credits.

    Results cannot be refused: whoever issues a pass has reserved room for all its beats. A result can leave the cycle
    after it came. `credit` is high when the last beat of a pass leaves.
    """

    def __init__(self, fmt: StreamFormat, shape: PassShape, slots: int) -> None:
        self.format, self.shape, self.slots = fmt, shape, slots
        self.depth = slots * shape.groups
        super().__init__(
            {"y": In(fmt.width), "valid": In(1), "o": Out(StreamSignature(fmt)), "credit": Out(1)},
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = max(self.depth, 2)
        # results are narrow and read in the cycle in which they leave: LUTRAM, however deep
        memory = Memory(shape=self.format.width, depth=depth, init=[], attrs={"ram_style": "distributed"})
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="comb")
        level = Signal(range(depth + 1))
        pop = Signal()
        m.d.comb += [
            self.o.tvalid.eq(level != 0),
            self.o.tdata.eq(read.data),
            pop.eq(self.o.tvalid & self.o.tready),
            write.en.eq(self.valid),
            write.data.eq(self.y),
        ]
        m.d.sync += level.eq(level + self.valid - pop)
        for step, pointer in ((self.valid, write.addr), (pop, read.addr)):
            place, _ = count(m, depth, step, "place")
            m.d.comb += pointer.eq(place)
        _, frame_end = count(m, self.format.beats, pop, "beat")
        m.d.comb += self.o.tlast.eq(frame_end)
        self._credits(m, pop)
        return m

    def _credits(self, m: Module, pop: Signal) -> None:
        s = self.shape
        group = Signal(range(max(s.groups, 2)))
        pass_end = Signal()
        _, passes_end = count(m, s.passes, pass_end, "pass")
        m.d.comb += [
            pass_end.eq(pop & (group == Mux(passes_end, s.last_groups - 1, s.groups - 1))),
            self.credit.eq(pass_end),
        ]
        with m.If(pop):
            m.d.sync += group.eq(Mux(pass_end, 0, group + 1))
