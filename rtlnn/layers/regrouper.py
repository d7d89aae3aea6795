"""A width converter for beats that lie across each other."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtlnn.layers.counter import count
from rtlnn.layers.regrouping import Regrouping
from rtlnn.layers.stream import StreamSignature

__all__ = ["Regrouper"]

_MOVES = ((True, False), (False, True), (True, True))
"""Whether a beat enters, and whether one leaves."""


class Regrouper(wiring.Component):
    """A shift register of elements; an input beat leaves the cycle after it came, at the earliest.

    Both `tready` and `tvalid` are registers. What is where follows from an automaton, whose states are looked up.
    """

    def __init__(self, shape: Regrouping) -> None:
        self.shape = shape
        super().__init__({"i": In(StreamSignature(shape.source)), "o": Out(StreamSignature(shape.target))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        push, pop = Signal(), Signal()
        m.d.comb += [
            push.eq(self.i.tvalid & self.i.tready),
            pop.eq(self.o.tvalid & self.o.tready),
            self.o.tlast.eq(count(m, self.shape.target.beats, pop, "beat")[1]),
        ]
        start, short = self._states(m, push, pop)
        turned, jumps = self._turned(m, start, push)
        self._move(m, turned, jumps, short, pop)
        return m

    def _states(self, m: Module, push: Signal, pop: Signal) -> tuple[Value, Signal]:
        """The unit at which the beat that enters begins, and whether a short beat leaves."""
        into, out, room, states = self.shape.into, self.shape.out, self.shape.room, self.shape.states
        code = {state: n for n, state in enumerate(states)}
        current, chosen = (Signal(range(max(len(states), 2)), name=name) for name in ("state", "next_state"))
        following = {key: Signal(len(current), name=f"following{n}") for n, key in enumerate(_MOVES)}
        ready, valid, short = Signal(init=1), Signal(), Signal(init=out[0] != max(out))
        # where a beat begins that enters alone, and one that enters while another leaves
        alone, beside = (Signal(range(room), name=f"start_{name}") for name in ("alone", "beside"))
        with m.Switch(current):
            for state, moves in states.items():
                with m.Case(code[state]):
                    m.d.comb += [following[key].eq(code[then]) for key, then in moves.items()]
        m.d.comb += chosen.eq(
            Mux(push, Mux(pop, following[True, True], following[True, False]), following[False, True])
        )
        with m.If(push | pop):
            m.d.sync += current.eq(chosen)
            # what a state means is known when it begins
            with m.Switch(chosen):
                for state, moves in states.items():
                    with m.Case(code[state]):
                        m.d.sync += [
                            ready.eq(state.level + into[state.n] <= room),
                            valid.eq(state.level >= out[state.j]),
                            short.eq(out[state.j] != max(out)),
                            alone.eq(state.level),
                        ]
                        if (True, True) in moves:
                            m.d.sync += beside.eq(state.level - out[state.j])
        m.d.comb += [self.i.tready.eq(ready), self.o.tvalid.eq(valid)]
        return Mux(pop, beside, alone), short

    def _turned(self, m: Module, start: Value, push: Signal) -> tuple[list[Signal], dict[int, list[Signal]]]:
        """The beat that enters, turned by less than `step` units; and whether it goes on by each multiple of that.

        Of the flags for a multiple, number n belongs to the nth turned unit: the first ones may lie before the beat.
        """
        bits, most, step = self.shape.bits, max(self.shape.into), self.shape.step
        turned = [Signal(bits, name=f"turned{n}") for n in range(most + step - 1)]
        with m.Switch(start % step):
            for by in range(step):
                with m.Case(by):
                    m.d.comb += [turned[n + by].eq(self.i.tdata.word_select(n, bits)) for n in range(most)]
        jumps = {}
        for jump in self.shape.jumps:
            flags = [Signal(name=f"jump{jump}_{n}") for n in range(step)]
            m.d.comb += [flag.eq(push & (start >= jump) & (start <= jump + n)) for n, flag in enumerate(flags)]
            jumps[jump] = flags + flags[-1:] * (len(turned) - step)
        return turned, jumps

    def _move(
        self, m: Module, turned: list[Signal], jumps: dict[int, list[Signal]], short: Signal, pop: Signal
    ) -> None:
        """Every unit takes one of the beat that enters, or moves down when a beat leaves."""
        units = [Signal(self.shape.bits, name=f"unit{n}", reset_less=True) for n in range(self.shape.room)]
        sizes = sorted(set(self.shape.out), reverse=True)
        for place, unit in enumerate(units):
            near = [(place - jump, flags) for jump, flags in jumps.items() if jump <= place < jump + len(turned)]
            entering = [(turned[n], flags[n]) for n, flags in near]
            sources = [units[place + size] for size in sizes if place + size < len(units)]
            with m.If(Cat(flag for _, flag in entering).any()):
                m.d.sync += unit.eq(_one_of(entering))
            if sources:
                with m.Elif(pop):
                    # a partial beat is a pixel's last: what follows it moves down by its own size
                    m.d.sync += unit.eq(Mux(short, sources[-1], sources[0]))
        m.d.comb += self.o.tdata.eq(Cat(*units))


def _one_of(choices: list[tuple[Signal, Signal]]) -> Value:
    """The value whose flag is set; where there is but one, its flag need not be looked at."""
    if len(choices) == 1:
        return choices[0][0]
    masked = (value & flag.replicate(len(value)) for value, flag in choices)
    return reduce(or_, masked)
