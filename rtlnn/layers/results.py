"""From the sums of a pass to beats of the output stream."""

from dataclasses import dataclass

from amaranth.hdl import Array, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import count, counter_bits, counter_ff, counter_luts
from rtlnn.layers.pipeline import delayed, registered
from rtlnn.layers.rom import lutram
from rtlnn.layers.stream import StreamFormat, StreamSignature

__all__ = ["PassShape", "ResultQueue", "Serializer"]

_FEW_GROUPS = 16


@dataclass(frozen=True)
class PassShape:
    """How the sums of a position become beats.

    Parameters
    ----------
    sums : sums a pass (PE)
    lanes : sums a beat; divides `sums`
    passes : passes a position
    channels : channels a position; the sums beyond them are dropped
    spacing : cycles from one beat to the next within a pass
    repeats : frames in turn for each pass
    """

    sums: int
    lanes: int
    passes: int
    channels: int
    spacing: int = 1
    repeats: int = 1

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

    def serializer_resources(self, acc_bits: int, late: bool) -> Resources:
        """All sums but the first beat's, a choice between the groups (a LUT takes three inputs away), two counters."""
        spaced = self.spacing > 1
        counters = counter_ff(self.groups) + counter_bits(self.passes * self.groups) + counter_ff(self.spacing)
        # of many, as many as with the power of two above
        choices = self.groups if self.groups <= _FEW_GROUPS else 1 << counter_bits(self.groups)
        choice = self.lanes * acc_bits * -(-(choices - 1) // 3)
        held = (self.sums - self.lanes * (not late) + self.lanes * spaced) * acc_bits
        late_place = counter_bits(self.groups) * spaced
        return Resources(lut=choice + counters + 2, ff=held + counters + late_place + 2 + late)

    def queue_resources(self, fmt: StreamFormat, slots: int) -> Resources:
        """The memory, its places, and the counters of a frame."""
        depth = max(slots * self.groups, 2)
        turns = self.passes, fmt.beats // self.beats
        counts = counter_bits(self.groups) + sum(map(counter_ff, turns))
        luts = counter_bits(self.groups) + sum(map(counter_luts, turns))
        # the places wrap by themselves, and take no LUTs on their carry chains
        lut, places = lutram(depth, fmt.width) + luts + 8, 3 * counter_bits(_ring(depth))
        return Resources(lut=lut, ff=places + counts + 1)


def _ring(depth: int) -> int:
    """Places of a queue in LUTRAM: with a power of two, which takes no more LUTs, its counters wrap by themselves."""
    return 1 << counter_bits(depth)


class Serializer(wiring.Component):
    """Passes on `lanes` sums of a pass a cycle, with their parameters.

    Latency: the first sums of a pass leave in the cycle of `done`, or one later if `late`. The address of their
    parameters is on `parameter_address` two cycles before (a memory with two cycles of latency). With a `spacing`, sums
    and address stay for so many cycles, the first ones come two cycles after `done`, and `valid` is high in the first.
    """

    def __init__(self, shape: PassShape, acc_bits: int, late: bool) -> None:
        self.shape, self.acc_bits, self.late = shape, acc_bits, late
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
        if s.spacing > 1:
            self._spaced(m)
            return m
        # whether sums leave in this cycle, and in the next one
        sending = Signal()
        soon = Signal()
        place, place_end = count(m, s.groups, sending, "place")
        m.d.comb += soon.eq(self.early | (sending & ~place_end))
        m.d.sync += sending.eq(soon)
        # held and picked from, not shifted: a bit of a shift register with a parallel load costs a LUT, of 16:1 a third
        width = s.lanes * self.acc_bits
        held = Signal((s.sums - s.lanes) * self.acc_bits, reset_less=True)
        groups = [self.acc[:width]]
        if s.groups > 1:
            with m.If(self.done):
                m.d.sync += held.eq(self.acc[width:])
            groups += [held[n * width :][:width] for n in range(s.groups - 1)]
        sums: Value = Array(groups)[place]
        valid: Value = self._addresses(m, soon)
        if self.late:
            sums, valid = registered(m, sums, "late_sums"), registered(m, valid, "late_valid", reset=True)
        m.d.comb += [self.sums.eq(sums), self.valid.eq(valid)]
        return m

    def _spaced(self, m: Module) -> None:
        """All sums are held; what leaves is chosen a cycle ahead, two cycles behind the address of its parameters."""
        s = self.shape
        sending, turn_end = Signal(), Signal()
        turn, last_turn = count(m, s.spacing, sending, "turn")
        m.d.comb += turn_end.eq(sending & last_turn)
        place, last_place = count(m, s.groups, turn_end, "place")
        m.d.sync += sending.eq(self.early | (sending & ~(last_place & last_turn)))
        index, _ = self._index(m, turn_end)
        held = Signal(s.sums * self.acc_bits, reset_less=True)
        with m.If(self.done):
            m.d.sync += held.eq(self.acc)
        width = s.lanes * self.acc_bits
        groups = [held[n * width :][:width] for n in range(s.groups)]
        begins = sending & (turn == 0) & (index < s.beats)
        m.d.comb += [
            self.parameter_address.eq(index),
            self.sums.eq(registered(m, Array(groups)[registered(m, place, "place_late")], "sums_late")),
            self.valid.eq(delayed(m, begins, 2, "begins", reset=True)),
        ]

    def _addresses(self, m: Module, soon: Signal) -> Signal:
        """Drives the address of the parameters; returns whether the sums that leave are those of a channel."""
        s = self.shape
        total = s.passes * s.groups
        index, following = self._index(m, soon)
        m.d.comb += self.parameter_address.eq(index if self.late else Mux(soon, following, index))
        used = index < s.beats if s.beats < total else Const(1, 1)
        return registered(m, soon & used, "valid", reset=True)

    def _index(self, m: Module, step: Signal) -> tuple[Signal, Signal]:
        """Of the beat among those of a frame, now and when `step` is high."""
        s = self.shape
        total = s.passes * s.groups
        index = Signal(range(max(total, 2)), name="index")
        following = Signal.like(index)
        if total == 1:
            return index, following
        wraps = total & (total - 1) > 0
        m.d.comb += following.eq(Mux(index == total - 1, 0, index + 1) if wraps else index + 1)
        if s.repeats > 1:
            _, group_last = count(m, s.groups, step, "group")
            _, repeat_last = count(m, s.repeats, step & group_last, "repeat")
            with m.If(group_last & ~repeat_last):
                m.d.comb += following.eq(index - (s.groups - 1))
        with m.If(step):
            m.d.sync += index.eq(following)
        return index, following


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
        memory = Memory(shape=self.format.width, depth=_ring(depth), init=[], attrs={"ram_style": "distributed"})
        m.submodules.memory = memory
        write, read = memory.write_port(), memory.read_port(domain="comb")
        # empty again when the last one leaves and none comes
        filled = Signal()
        pop = Signal()
        m.d.comb += [
            self.o.tvalid.eq(filled),
            self.o.tdata.eq(read.data),
            pop.eq(filled & self.o.tready),
            write.en.eq(self.valid),
            write.data.eq(self.y),
        ]
        # the place after the one that is read is kept too: to compare it takes no adder
        write_place, read_place = Signal.like(write.addr), Signal.like(read.addr)
        following = Signal.like(read.addr, init=1)
        m.d.comb += [write.addr.eq(write_place), read.addr.eq(read_place)]
        with m.If(self.valid):
            m.d.sync += write_place.eq(write_place + 1)
        with m.If(pop):
            m.d.sync += [read_place.eq(following), following.eq(following + 1)]
        m.d.sync += filled.eq(self.valid | (filled & ~(pop & (following == write_place))))
        self._ends(m, pop)
        return m

    def _ends(self, m: Module, pop: Signal) -> None:
        """The credit for every pass, and the end of the frame."""
        s = self.shape
        group = Signal(range(max(s.groups, 2)))
        group_end = Signal()
        pass_end = Signal()
        position_end = Signal()
        _, is_last = count(m, s.passes, pass_end, "pass")
        _, frame_end = count(m, self.format.beats // s.beats, position_end, "position")
        last_group = Mux(is_last, s.last_groups - 1, s.groups - 1) if s.last_groups < s.groups else s.groups - 1
        m.d.comb += [
            group_end.eq(group == last_group),
            pass_end.eq(pop & group_end),
            position_end.eq(pass_end & is_last),
            self.o.tlast.eq(group_end & is_last & frame_end),
            self.credit.eq(pass_end),
        ]
        with m.If(pop):
            m.d.sync += group.eq(Mux(group_end, 0, group + 1))
