"""A signed product without a multiplier, for results that come seldom: two bits of a factor a cycle."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from rtlnn.layers.adder import add
from rtlnn.layers.pipeline import registered

__all__ = ["serial_product", "serial_turns"]


def serial_turns(bits: int) -> int:
    """Cycles for a factor of so many bits."""
    return -(-bits // 2)


def serial_product(
    m: Module, number: Value, factor: Value, start: Value, useless: int, name: str
) -> tuple[Value, int, Value]:
    """`number` (signed, held meanwhile) times `factor` (two's complement, taken with `start`).

    Returns the product without its lowest bits, how many these are, and whether any of them is one; up to `useless`
    bits are dropped. Latency: serial_turns(len(factor)) + 1 cycles from `start`, and then for one cycle. Radix-4 Booth
    recoding: each two bits, with the one below, add -2, -1, 0, 1 or 2 times the number (MacSorley, "High-speed
    arithmetic in binary computers", 1961).
    """
    turns, wide = serial_turns(len(factor)), len(number) + 2
    low = Signal(2 * turns, name=f"{name}low", reset_less=True)
    high = Signal(signed(wide), name=f"{name}high", reset_less=True)
    # the multiple that is added next: chosen a cycle ahead
    times, minus = (
        Signal(wide, name=f"{name}times", reset_less=True),
        Signal(name=f"{name}minus", reset_less=True),
    )
    total = Signal(signed(wide), name=f"{name}sum")
    first = Cat(Const(0, 1), factor.as_signed(), factor[-1])[:3]
    following = Cat(low, low[-1])[1:4]
    digit = Signal(3, name=f"{name}digit")
    once = digit[0] ^ digit[1]
    twice = (digit[2] ^ digit[1]) & ~once
    multiple = Mux(twice, number << 1, Mux(once, number, 0)) ^ digit[2].replicate(wide)
    m.d.comb += [
        digit.eq(Mux(start, first, following)),
        # minus is the carry
        total.eq(add(m, times, high, wide, f"{name}turn", carry=minus)),
    ]
    m.d.sync += [
        high.eq(Mux(start, 0, total >> 2)),
        low.eq(Mux(start, factor.as_signed(), Cat(low[2:], total[:2]))),
        times.eq(multiple),
        minus.eq(digit[2]),
    ]
    # the lowest bits of the product have their place one turn before the last
    dropped = min(useless, 2 * turns - 2)
    rest = registered(m, low[2 : 2 + dropped].any(), f"{name}rest") if dropped else Const(0, 1)
    return Cat(low, high)[dropped:].as_signed(), dropped, rest
