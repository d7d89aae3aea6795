"""A signed product without a multiplier, for results that come seldom: two bits of a factor a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed

__all__ = ["serial_product", "serial_turns"]


def serial_turns(bits: int) -> int:
    """Cycles for a factor of so many bits."""
    return -(-bits // 2)


def serial_product(m: Module, number: Value, factor: Value, start: Value, name: str) -> Value:
    """`number` (signed, held meanwhile) times `factor` (two's complement, taken with `start`).

    Latency: serial_turns(len(factor)) + 1 cycles from `start`, and then for one cycle. Radix-4 Booth recoding: each two
    bits, with the one below, add -2, -1, 0, 1 or 2 times the number (MacSorley, "High-speed arithmetic in binary
    computers", 1961).
    """
    turns, wide = serial_turns(len(factor)), len(number) + 2
    low, below = Signal(2 * turns, name=f"{name}low", reset_less=True), Signal(name=f"{name}below", reset_less=True)
    high = Signal(signed(wide), name=f"{name}high", reset_less=True)
    once, twice, minus = Signal(name=f"{name}once"), Signal(name=f"{name}twice"), low[1]
    times = Signal(wide, name=f"{name}times")
    total = Signal(signed(wide), name=f"{name}sum")
    m.d.comb += [
        once.eq(low[0] ^ below),
        twice.eq((low[1] ^ low[0]) & ~once),
        times.eq(Mux(twice, number << 1, Mux(once, number, 0)) ^ minus.replicate(wide)),
        # minus is the carry
        total.eq((Cat(minus, times) + Cat(minus, high))[1:]),
    ]
    m.d.sync += [high.eq(total >> 2), low.eq(Cat(low[2:], total[:2])), below.eq(low[1])]
    with m.If(start):
        m.d.sync += [high.eq(0), low.eq(factor.as_signed()), below.eq(0)]
    return Cat(low, high).as_signed()
