"""Shifts by a different number of positions for each channel."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Value

from rtlnn.layers.component import Resources
from rtlnn.layers.pipeline import delayed, registered

__all__ = ["Alignment", "Number", "align"]

_BITS_PER_STAGE = 3
"""Of the shifter's position between registers: two LUT levels, and what it takes to watch the bits that leave."""


@dataclass(frozen=True)
class Alignment:
    """How products are shifted right by `lo` to `hi` positions.

    A larger multiplier costs nothing while it fits its port: the product is then as if all channels had the same shift.
    Where they differ too much, a shifter does the rest, in coarse steps.

    Parameters
    ----------
    lo, hi : the shifts in use
    room : bits by which a multiplier may be wider
    """

    lo: int
    hi: int
    room: int

    @property
    def _step(self) -> int:
        return 1 << ((self.room + 1).bit_length() - 1)

    @property
    def fold(self) -> int:
        """The most positions by which a multiplier is moved up."""
        return self.hi - self.lo if self.hi - self.lo <= self.room else self._step - 1

    @property
    def point(self) -> int:
        """Position of the binary point in the product, before the shifter."""
        return self.hi if self.hi - self.lo <= self.room else self.lo

    @property
    def places(self) -> int:
        """Positions of the shifter; 1 where there is none."""
        return 1 if self.hi - self.lo <= self.room else -(-(self.hi - self.lo) // self._step) + 1

    @property
    def place_bits(self) -> int:
        return (self.places - 1).bit_length()

    @property
    def latency(self) -> int:
        return -(-self.place_bits // _BITS_PER_STAGE)

    def split(self, shift: int) -> tuple[int, int]:
        """For a shift: (positions to move the multiplier up, the shifter's place)."""
        if self.places == 1:
            return self.hi - shift, 0
        up = (self.lo - shift) % self._step
        return up, (shift - self.lo + up) // self._step

    def resources(self, bits: int) -> Resources:
        """Of a shifter for `bits` bits: two bits of the place take a LUT for each, and what leaves is watched."""
        if not self.place_bits:
            return Resources()
        lut = bits * -(-self.place_bits // 2) + bits // 2 + self.place_bits
        return Resources(lut=lut, ff=self.latency * (bits + 1))


@dataclass(frozen=True)
class Number:
    """`whole`, signed; `fraction`, the bits right below the binary point; `rest`, whether any below them is one."""

    whole: Value
    fraction: Value
    rest: Value


def align(
    m: Module, a: Alignment, value: Value, point: int, rest: Value, place: Value, fraction: int, name: str
) -> Number:
    """`value` with the binary point at `point`, moved right by the shifter; `a.latency` cycles.

    `rest` says whether there were ones below `value`. The result has `fraction` bits below the point.
    """
    below = point - fraction
    if below > 0:
        rest = rest | value[:below].any()
        value = _cut(value, below)
    elif below < 0:
        value = value.shift_left(-below).as_signed()
    if len(value) < fraction + 1:  # even the largest product lies below the point
        value = Cat(value, value[-1].replicate(fraction + 1 - len(value))).as_signed()
    bits = list(reversed(range(a.place_bits)))
    for stage in range(a.latency):
        for n in bits[stage * _BITS_PER_STAGE :][:_BITS_PER_STAGE]:
            by = a._step << n
            rest = rest | (place[n] & value[:by].any())
            value = Mux(place[n], _cut(value, by), value)
        value = registered(m, value, f"{name}aligned_{stage}")
        rest = registered(m, rest, f"{name}rest_{stage}")
        place = delayed(m, place, 1, f"{name}place_{stage}")
    return Number(_cut(value, fraction), value[:fraction], rest)


def _cut(value: Value, bits: int) -> Value:
    """Without the lowest `bits` bits."""
    return value[bits:].as_signed() if bits < len(value) else value[-1].replicate(1).as_signed()
