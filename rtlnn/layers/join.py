"""Two streams, element by element, to one; a requantization may follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from amaranth.hdl import Const, Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.buffered import buffered
from rtlnn.layers.component import MemoryPort, Resources, StreamingLayer
from rtlnn.layers.counter import count, counter_bits, counter_ff, counter_luts
from rtlnn.layers.join_parts import JoinParts, combine
from rtlnn.layers.pipeline import SHIFTED, delayed
from rtlnn.layers.requantizer import RequantizeConfig, Requantizer
from rtlnn.layers.results import PassShape, ResultQueue
from rtlnn.layers.stream import StreamFormat, StreamSignature, connect
from rtlnn.layers.timing import Events, Link

__all__ = ["Join", "JoinConfig"]

_MEMORY_LATENCY = 2


@dataclass(frozen=True)
class JoinConfig(StreamingLayer):
    """finish(f(a - zeros[0], b - zeros[1])) for each pair of elements; full rate.

    Parameters
    ----------
    a, b : formats of the inputs: the same elements in the same beats, of any type
    parts : the arithmetic of a lane
    signed : whether the results of `parts` are
    finish : the requantization behind it, None where there is none
    factors : the multipliers of all channels, where they are the same; else they come from the memory `factor`
    constant : the requantization's parameters of all channels, where they are the same; else from `parameter`
    """

    a: StreamFormat
    b: StreamFormat
    parts: JoinParts
    signed: bool
    finish: RequantizeConfig | None = None
    factors: tuple[int, int] | None = None
    constant: int | None = None

    def __post_init__(self) -> None:
        if replace(self.b, bits=self.a.bits, signed=self.a.signed) != self.a:
            raise ValueError(f"{self.a} and {self.b} do not have the same elements in the same beats")

    @property
    def lanes(self) -> int:
        return self.a.elements

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return self.a, self.b

    @property
    def result(self) -> StreamFormat:
        if self.finish:
            return replace(self.a, bits=self.finish.out_bits, signed=self.finish.signed)
        return replace(self.a, bits=self.parts.acc_bits, signed=self.signed)

    @property
    def outputs(self) -> tuple[StreamFormat, ...]:
        return (self.result,)

    @property
    def looks_up_factors(self) -> bool:
        return self.parts.weighted and self.factors is None

    @property
    def looks_up_parameters(self) -> bool:
        return self.finish is not None and self.constant is None

    @property
    def memories(self) -> tuple[MemoryPort, ...]:
        depth, result = self.a.beats_per_pixel, []
        if self.looks_up_factors:
            result.append(MemoryPort("factor", self.lanes * sum(self.parts.factor_bits), depth))
        if self.finish is not None and self.looks_up_parameters:
            result.append(
                MemoryPort("parameter", self.lanes * self.finish.parameter_bits, depth, registered=self.finish.adds)
            )
        return tuple(result)

    @property
    def operand_latency(self) -> int:
        """Cycles from the handshake to the operands: one register, or as long as the factors take."""
        return _MEMORY_LATENCY if self.looks_up_factors else 1

    @property
    def sum_latency(self) -> int:
        """Cycles from the handshake to the sums; the parameters are not earlier."""
        return self.operand_latency + self.parts.latency

    @property
    def latency(self) -> int:
        """Cycles from the handshake of a pair to that of its result."""
        return self.sum_latency + (self.finish.latency if self.finish else 0) + 1

    @property
    def slots(self) -> int:
        """Results that the queue can hold: as many as are under way, and one that leaves."""
        return self.latency + 1

    @property
    def shape(self) -> PassShape:
        return PassShape(self.lanes, self.lanes, 1, self.lanes)

    @property
    def resources(self) -> Resources:
        total = self.shape.queue_resources(self.result, self.slots)
        lane = self.parts.resources(self.looks_up_factors)
        total = total + Resources(lut=lane.lut * self.lanes, ff=lane.ff * self.lanes, dsp=lane.dsp * self.lanes)
        if self.finish:
            total = total + self.finish.resources
        room = counter_bits(self.slots + 1)
        beats = self.a.beats_per_pixel if self.memories else 1
        late = self.sum_latency - _MEMORY_LATENCY if self.looks_up_parameters else 0
        delays = Resources(ff=late * counter_bits(beats)) if late < SHIFTED else Resources(lut=counter_bits(beats))
        control = Resources(lut=2 * room + counter_luts(beats) + 4, ff=room + counter_ff(beats) + self.sum_latency)
        return total + delays + control

    def timing(self, i: Sequence[Link], o: Sequence[Link]) -> Sequence[Events]:
        buffered(i, o, self.slots, self.latency)
        return ()

    def component(self) -> "Join":
        return Join(self)


class Join(wiring.Component):
    """Pairs enter when both are there and the queue has room for the result; what follows is never held up.

    Members
    -------
    i0, i1, o : streams a, b and the result
    factor_address, factor_data, parameter_address, parameter_data : see `config.memories`
    """

    def __init__(self, config: JoinConfig) -> None:
        self.config = config
        streams = zip(config.input_names, config.inputs, strict=True)
        members = {name: In(StreamSignature(fmt)) for name, fmt in streams}
        members["o"] = Out(StreamSignature(config.result))
        for port in config.memories:
            members[f"{port.name}_address"] = Out(range(max(port.depth, 2)))
            members[f"{port.name}_data"] = In(port.width)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        c = self.config
        m.submodules.queue = queue = ResultQueue(c.result, c.shape, c.slots)
        connect(m, queue.o, wiring.flipped(self.o))
        enter = self._enter(m, queue.credit)
        sums = [self._lane(m, lane) for lane in range(c.lanes)]
        valid = delayed(m, enter, c.sum_latency, "valid", reset=True)
        if c.finish is None:
            for lane, value in enumerate(sums):
                m.d.comb += queue.y.word_select(lane, c.parts.acc_bits).eq(value)
            m.d.comb += queue.valid.eq(valid)
            return m
        m.submodules.finish = finish = Requantizer(c.finish)
        for lane, value in enumerate(sums):
            m.d.comb += finish.acc.word_select(lane, c.parts.acc_bits).eq(value)
        if c.constant is None:
            m.d.comb += finish.parameters.eq(self.parameter_data)
        else:
            m.d.comb += finish.parameters.eq(Const(c.constant, c.finish.parameter_bits).replicate(c.lanes))
        m.d.comb += [finish.valid.eq(valid), queue.y.eq(finish.y), queue.valid.eq(finish.done)]
        return m

    def _enter(self, m: Module, credit: Value) -> Signal:
        """Whether a pair enters; drives the handshakes and the addresses of its channels' numbers."""
        c = self.config
        room = Signal(range(c.slots + 1), init=c.slots)
        enter, free = Signal(), Signal()
        m.d.comb += [
            free.eq(room != 0),
            enter.eq(self.i0.tvalid & self.i1.tvalid & free),
            self.i0.tready.eq(self.i1.tvalid & free),
            self.i1.tready.eq(self.i0.tvalid & free),
        ]
        m.d.sync += room.eq(room + credit - enter)
        if c.memories:
            place, _ = count(m, c.a.beats_per_pixel, enter, "place")
            if c.looks_up_factors:
                m.d.comb += self.factor_address.eq(place)
            if c.looks_up_parameters:
                m.d.comb += self.parameter_address.eq(delayed(m, place, c.sum_latency - _MEMORY_LATENCY, "place_late"))
        return enter

    def _lane(self, m: Module, lane: int) -> Value:
        """The sum of one lane, `sum_latency` cycles after its pair entered."""
        c = self.config
        operands = []
        for n, (stream, zero) in enumerate(zip((self.i0, self.i1), c.parts.zeros, strict=True)):
            value: Value = stream.tdata.word_select(lane, c.parts.bits[n])
            value = (value.as_signed() if c.parts.signed[n] else value) - zero
            value = value[: c.parts.operand_bits[n]].as_signed()
            operands.append(delayed(m, value, c.operand_latency, f"lane{lane}_operand{n}"))
        return combine(m, c.parts, (operands[0], operands[1]), self._factors(lane), f"lane{lane}_")

    def _factors(self, lane: int) -> tuple[Value, Value]:
        c = self.config
        low, high = c.parts.factor_bits
        if c.factors is not None:
            return Const(c.factors[0], signed(max(low, 1))), Const(c.factors[1], signed(max(high, 1)))
        if not c.parts.weighted:
            return Const(0, 1), Const(0, 1)
        word = self.factor_data.word_select(lane, low + high)
        return word[:low].as_signed(), word[low:].as_signed()
