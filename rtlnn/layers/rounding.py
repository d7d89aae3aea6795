"""Rounding to integers, half to even, within bounds: once, or as if the number had been a float32 before."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from amaranth.hdl import Cat, Const, Module, Mux, Value, signed

from rtlnn.layers.alignment import Number
from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import delayed, registered

__all__ = ["Rounding"]

_FLOAT32_FRACTION = 25
"""Bits below the point that a float32's rounding can touch, where the number is at least 1/2: it has 24 significant
bits, and half of the last one decides."""
_SHALLOW_BITS = 8
"""The most bits of a magnitude from which the second rounding takes three LUT levels, and two behind a register."""
_TERMS = 2
"""Of the second rounding's decision, in a flag: each has three inputs of its own, and those beside it share some."""


@dataclass(frozen=True)
class Rounding:
    """clip(round(number) + zero_point, lo, hi), half to even.

    Parameters
    ----------
    float32 : round to 24 significant bits first, half to even too
    """

    zero_point: int
    lo: int
    hi: int
    float32: bool

    @property
    def fraction_bits(self) -> int:
        """Bits below the point that are needed one by one; of all others, whether one of them is one."""
        return _FLOAT32_FRACTION if self.float32 else 1

    @property
    def _deep(self) -> bool:
        """Whether the logic of the second rounding needs a register more."""
        return self.float32 and self._magnitude_bits > _SHALLOW_BITS

    @property
    def latency(self) -> int:
        """Cycles to the last register, which is the result's own."""
        return 2 if self._deep else 1

    @property
    def _least(self) -> int:
        return self.lo - self.zero_point

    @property
    def _most(self) -> int:
        return self.hi - self.zero_point

    @property
    def _magnitude_bits(self) -> int:
        """Bits before the point that matter where nothing is clipped."""
        return max(self._most - 1, ~self._least, 0).bit_length()

    @property
    def _kept_bits(self) -> int:
        """Of an integer within the bounds."""
        bits = max(self._most, ~self._least, self._least, ~self._most).bit_length()
        return max(bits + (self._least < 0), 1)

    @property
    def resources(self) -> Resources:
        """Both bounds, a choice for each bit, the decision; an adder takes few LUTs for a single bit to add."""
        kept, size = self._kept_bits, self._magnitude_bits
        if not self.float32:
            return Resources(lut=kept + 14, ff=kept + 2)
        numbers = kept + 3 + (2 * size + _FLOAT32_FRACTION if self._deep else 0)
        flags = 3 + 2 * -(-(size + 1) // _TERMS)
        return Resources(lut=kept + 14 + 2 * size, ff=numbers + flags)

    def result(self, m: Module, n: Number, name: str) -> Value:
        """The result, after `latency` cycles and an adder."""
        below, beyond = ~_at_least(n.whole, self._least), _at_least(n.whole, self._most)
        kept = Mux(below | beyond, Mux(below, self._least, self._most), n.whole)[: self._kept_bits]
        kept = delayed(m, kept.as_signed() if self._least < 0 else kept, self.latency, f"{name}kept")
        inside = delayed(m, ~(below | beyond), self.latency, f"{name}inside")
        up = self._up_twice(m, n, kept[0], name) if self.float32 else self._up(m, n, name)
        # the decision is the carry: nothing is between it and the chain
        step, zero_point = inside & up, Const(self.zero_point, signed(self.zero_point.bit_length() + 1))
        value = Cat(step, kept).as_signed() if self._least < 0 else Cat(step, kept)
        return (value + Cat(step, zero_point).as_signed())[1:].as_signed()

    def _up(self, m: Module, n: Number, name: str) -> Value:
        return registered(m, n.fraction[-1] & (n.rest | n.fraction[:-1].any() | n.whole[0]), f"{name}up")

    def _up_twice(self, m: Module, n: Number, odd: Value, name: str) -> Value:
        """Whether the float32 next to the number is rounded up, where nothing is clipped.

        A number that is at most reach = 2**size · 2**-25 from n + 1/2, where |n| has `size` bits, becomes n + 1/2 when
        it is rounded to 24 significant bits, and then an even number. (n + 1/2 is an even multiple of the last of these
        bits, so that half of that bit on either side goes to it too.) All others stay on their side. The registers lie
        where they cut the logic in two; `odd`, whether n is, comes behind them.
        """
        size, above = self._magnitude_bits, n.fraction[-1]
        signs = n.whole[-1].replicate(size) if self._least < 0 else Const(0, size)
        magnitude = [n.whole[i] ^ signs[i] for i in range(min(size, len(n.whole)))]
        # more[i]: the reach is more than bit i of the fraction
        more = Cat(*(_any(magnitude[i:]) for i in range(size)), Const(0, 1))
        low, high, rest = n.fraction[: size + 1], n.fraction[size + 1 : -1], n.rest
        # next to n + 1/2: 0.1000.. or 0.0111..
        near = (high ^ above.replicate(len(high))).all()
        if self._deep:
            values = (("more", more), ("low", low), ("above", above), ("near", near), ("rest", rest))
            more, low, above, near, rest = (registered(m, v, f"{name}{label}_1") for label, v in values)
        # as far away as the reach, at least: with equality above n + 1/2, without it below
        far = self._any_later(m, (low ^ ~above.replicate(size + 1)) & ~more, f"{name}far")
        off = self._any_later(m, low ^ (Cat(Const(1, 1), more) & ~more), f"{name}off")
        exactly = ~(registered(m, rest, f"{name}rest") | off)
        above, near = registered(m, above, f"{name}above"), registered(m, near, f"{name}near")
        return Mux(above, odd | ~near | (far & ~exactly), odd & near & ~far)

    @staticmethod
    def _any_later(m: Module, terms: Value, name: str) -> Value:
        """Whether any of the terms was one a cycle ago; the register is where it cuts the logic in two."""
        flags = (terms[n : n + _TERMS].any() for n in range(0, len(terms), _TERMS))
        return Cat(*(registered(m, flag, f"{name}{n}") for n, flag in enumerate(flags))).any()


def _any(values: Sequence[Value]) -> Value:
    return Cat(*values).any() if values else Const(0, 1)


def _at_least(value: Value, bound: int) -> Value:
    """value >= bound, both signed, in gates: a carry chain is slower to compare with a constant."""
    bits = len(value)
    if bound >= 1 << bits - 1:
        return Const(0, 1)
    if bound <= -(1 << bits - 1):
        return Const(1, 1)
    # with the signs inverted both are unsigned
    digits = [value[i] ^ (i == bits - 1) for i in range(bits)]
    wanted = bound + (1 << bits - 1)

    def step(result: Value, i: int) -> Value:
        return digits[i] & result if wanted >> i & 1 else digits[i] | result

    return reduce(step, range(bits), Const(1, 1))
