"""Pieces of a softmax: the largest element of a pixel, and a reciprocal."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from rtlnn.layers.pipeline import delayed, reduce_tree, registered, tree_latency

__all__ = ["largest_latency", "largest_of_beats", "probability", "reciprocal"]


def largest_latency(lanes: int) -> int:
    """Cycles from a group's last beat to its result on `largest_of_beats`."""
    return tree_latency(lanes) + 2


def largest_of_beats(m: Module, lanes: Sequence[Value], enter: Value, end: Value) -> tuple[Signal, Value]:
    """The largest of all elements of a group of beats, and whether it is complete in this cycle."""
    shape = lanes[0].shape()

    def larger(a: Value, b: Value) -> Value:
        chosen = Signal(shape)
        m.d.comb += chosen.eq(Mux(a > b, a, b))
        return chosen

    held = [registered(m, v, f"lane{n}") for n, v in enumerate(lanes)]
    value, depth = reduce_tree(m, held, larger, "largest")
    valid = delayed(m, enter, depth + 1, "largest_valid", reset=True)
    ends = delayed(m, end, depth + 1, "largest_end", reset=True)
    best, first = Signal(shape, name="best", reset_less=True), Signal(name="first", init=1)
    with m.If(valid):
        m.d.sync += first.eq(ends)
    with m.If(valid & (first | (value > best))):
        m.d.sync += best.eq(value)
    return best, registered(m, ends, "largest_complete", reset=True)


def reciprocal(m: Module, numerator: int, bits: int, divisor: Value, start: Value) -> tuple[Signal, Signal]:
    """numerator // divisor, of `bits` bits, and whether it will be there in the next cycle.

    Restoring division, two cycles a bit: a difference, then the choice. The result is there 2 * `bits` + 1 cycles after
    `start`, in which the divisor must be there, and stays until the next one.
    """
    remainder = Signal(len(divisor) + 1, name="remainder", reset_less=True)
    difference = Signal(len(divisor) + 2, name="difference", reset_less=True)
    rest, quotient = Signal(bits, name="rest", reset_less=True), Signal(bits, name="quotient", reset_less=True)
    place = Signal(range(bits), name="place")
    working, choosing, done = Signal(name="working"), Signal(name="choosing"), Signal(name="divided")
    m.d.comb += done.eq(working & choosing & (place == 0))
    doubled = Cat(rest[-1], remainder)[: len(remainder)]
    with m.If(start):
        low = Const(numerator & (1 << bits) - 1, bits)
        m.d.sync += [working.eq(1), choosing.eq(0), place.eq(bits - 1), remainder.eq(numerator >> bits), rest.eq(low)]
    with m.Elif(working & ~choosing):
        m.d.sync += [difference.eq(doubled - divisor), choosing.eq(1)]
    with m.Elif(working):
        negative = difference[-1]
        m.d.sync += [
            remainder.eq(Mux(negative, doubled, difference)),
            quotient.eq(Cat(~negative, quotient)),
            rest.eq(rest << 1),
            place.eq(place - 1),
            choosing.eq(0),
            working.eq(~done),
        ]
    return quotient, done


def probability(
    m: Module, name: str, power: Value, quotient: Value, shift: int, zero_point: int, hi: int, bits: int
) -> Value:
    """The code of power·quotient / 2**shift, of `bits` bits and at most `hi`; latency 4 cycles."""
    operand = registered(m, power, f"{name}_operand")
    product = registered(m, operand * quotient, f"{name}_product")
    rounded = registered(m, (product + (1 << shift - 1)) >> shift, f"{name}_rounded")
    top = hi - zero_point
    limited = registered(m, Mux(rounded > top, top, rounded)[:bits], f"{name}_limited")
    return (limited + zero_point)[:bits]
