"""A signed product without a multiplier, for results that come seldom: one bit of a factor a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed

from rtlnn.layers.pipeline import delayed

__all__ = ["serial_product"]


def serial_product(m: Module, number: Value, factor: Value, start: Value, name: str) -> Value:
    """`number` (signed, held meanwhile) times `factor` (two's complement, taken with `start`).

    Latency: len(factor) + 1 cycles from `start`, and for one cycle. Add and shift right, the last bit subtracts
    (Booth's precursor; Koren, "Computer Arithmetic Algorithms", 2002, chapter 3).
    """
    bits = len(factor)
    low = Signal(bits, name=f"{name}low", reset_less=True)
    high = Signal(signed(len(number) + 1), name=f"{name}part", reset_less=True)
    last = delayed(m, start, bits, f"{name}last", reset=True)
    addend = Signal(signed(len(number) + 1), name=f"{name}addend")
    total = Signal(signed(len(number) + 2), name=f"{name}sum")
    m.d.comb += [
        addend.eq(Mux(low[0], number, 0)),
        total.eq(Mux(last, high - addend, high + addend)),
    ]
    m.d.sync += [high.eq(total >> 1), low.eq(Cat(low[1:], total[0]))]
    with m.If(start):
        m.d.sync += [high.eq(0), low.eq(factor)]
    return Cat(low, high).as_signed()
