"""Small functions as gates: what a look-up table computes, kept away from carry chains."""

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Mux, Signal, Value

__all__ = ["count_gates", "from_table"]


def from_table(table: Sequence[int | None], inputs: Sequence[Value]) -> Value:
    """The bit table[n] for the number n that the inputs are (the first one is its lowest bit); None is any bit."""
    entries = tuple(table)
    known = {bit for bit in entries if bit is not None}
    if len(known) < 2:
        return Const(known.pop() if known else 0, 1)
    half, top = len(entries) // 2, inputs[-1]
    low, high = entries[:half], entries[half:]
    rest = inputs[:-1]
    if all(a is None or b is None or a == b for a, b in zip(low, high, strict=True)):
        return from_table([b if a is None else a for a, b in zip(low, high, strict=True)], rest)
    if all(a is None or b is None or a != b for a, b in zip(low, high, strict=True)):
        folded = [(None if b is None else 1 - b) if a is None else a for a, b in zip(low, high, strict=True)]
        return from_table(folded, rest) ^ top
    return Mux(top, from_table(high, rest), from_table(low, rest))


def count_gates(m: Module, numbers: Sequence[Sequence[Value]], largest: Sequence[int], name: str) -> list[Value]:
    """The sum of unsigned numbers, each a list of bits from the lowest up and no more than its `largest`."""
    total, most = list(numbers[0]), largest[0]
    for n, (number, bound) in enumerate(zip(numbers[1:], largest[1:], strict=True)):
        most += bound
        total = _sum(m, total, list(number), most.bit_length(), f"{name}_{n}")
    return total


def _sum(m: Module, a: list[Value], b: list[Value], bits: int, name: str) -> list[Value]:
    result: list[Value] = []
    carry: Value = Const(0, 1)
    for k in range(bits):
        x, y = (v[k] if k < len(v) else Const(0, 1) for v in (a, b))
        result.append(x ^ y ^ carry)
        if k + 1 < bits:
            # named, so that the text does not double with every bit
            following = Signal(name=f"{name}_carry{k}")
            m.d.comb += following.eq((x & y) | (carry & (x ^ y)))
            carry = following
    return result
