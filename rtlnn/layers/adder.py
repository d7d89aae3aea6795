"""Adders of any width in at most four LUT levels."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

__all__ = ["add", "adder_luts", "grown"]

_CHAIN = 24
"""Bits of an adder that is one carry chain: a LUT, and a level for eight bits."""
_BLOCK = 15
"""Bits between two carries: a LUT, two levels of the chain with its carry, and a choice."""


def add(m: Module, a: Value, b: Value, bits: int, name: str, carry: Value | None = None) -> Value:
    """(a + b + carry) modulo 2**bits, without a register; `b` may come from a gate, which then costs nothing.

    A wide one is cut into blocks, all but the first of which are added up with and without a carry (carry-select adder:
    Bedrij, 1962).
    """
    x, y = Signal(bits, name=f"{name}_a"), Signal(bits, name=f"{name}_b")
    m.d.comb += [x.eq(a), y.eq(b)]
    carry = Const(0, 1) if carry is None else carry
    if bits <= _CHAIN:
        return _sum(x, y, carry)[:bits]
    known = _sum(x[:_BLOCK], y[:_BLOCK], carry)
    parts = [known[:_BLOCK]]
    for begin in range(_BLOCK, bits, _BLOCK):
        block = x[begin : begin + _BLOCK], y[begin : begin + _BLOCK]
        known = Mux(known[-1], _sum(*block, Const(1, 1)), _sum(*block, Const(0, 1)))
        parts.append(known[:-1])
    return Cat(parts)


def grown(m: Module, a: Value, b: Value, name: str) -> Value:
    """a + b of signed numbers, which takes a bit more."""
    bits = max(len(a), len(b)) + 1
    return a + b if bits <= _CHAIN else add(m, a, b, bits, name).as_signed()


def _sum(x: Value, y: Value, carry: Value) -> Value:
    """x + y + carry, with its own carry. As a difference: the chain then takes x as it is, and a bit costs one LUT."""
    return (Cat(carry, x, Const(0, 1)) - Cat(Const(1, 1), ~y, Const(1, 1)))[1 : len(x) + 2]


def adder_luts(bits: int) -> int:
    """LUTs of `add`: one a bit, which both chains share, and beyond the first block one to choose."""
    return bits if bits <= _CHAIN else 2 * bits - _BLOCK
