"""How a real value is kept as integers while a graph is lowered."""

from dataclasses import dataclass, replace

import numpy as np

from rtlnn.ir.types import Array, FixedFormat

__all__ = ["Represented", "Rule"]


@dataclass(frozen=True, eq=False)
class Rule:
    """How integers become codes of one format, better than their scale alone would say; all arrays are (C,).

    code = round((integer·multiplier + bias) / 2**shift) + zero, rounded once if `once`
    """

    output: FixedFormat
    multiplier: Array
    shift: Array
    bias: Array
    zero: int
    once: bool

    def spread(self, channels: int) -> "Rule | None":
        """The rule for another number of channels; None if they differ."""
        arrays = (self.multiplier, self.shift, self.bias)
        if any((a != a[0]).any() for a in arrays):
            return None
        multiplier, shift, bias = (np.full(channels, a[0]) for a in arrays)
        return replace(self, multiplier=multiplier, shift=shift, bias=bias)


@dataclass(frozen=True, eq=False)
class Represented:
    """The real value clip(scale·(integer - zero) + shift, lo, hi).

    Parameters
    ----------
    value : name of the integers
    scale : (C,), positive or negative, not 0
    zero : the integer's zero point
    shift : (C,), a bias that has not found its place yet
    lo, hi : an activation that has not found its place yet
    layer : the convolution or dense node whose accumulators these are (perhaps pooled): a bias may still go there
    own_bias : `shift` is that layer's own float bias, and nothing else
    rule : how to make codes of the format that comes next, `shift` included
    halves : what of `shift` is exactly so many half units of the layer's accumulators, in units
    """

    value: str
    scale: Array
    zero: int
    shift: Array
    lo: float = -np.inf
    hi: float = np.inf
    layer: str | None = None
    own_bias: bool = False
    rule: Rule | None = None
    halves: Array | None = None

    @classmethod
    def quantized(cls, value: str, channels: int, scale: float, zero: int) -> "Represented":
        """Integers with one scale and zero point."""
        return cls(value, np.full(channels, scale), zero, np.zeros(channels))

    @property
    def one_scale(self) -> bool:
        return bool((self.scale == self.scale[0]).all())

    @property
    def clipped(self) -> bool:
        return np.isfinite(self.lo) or np.isfinite(self.hi)

    @property
    def plain(self) -> bool:
        """Whether these are integers with one scale, and nothing is pending."""
        return self.one_scale and not self.shift.any() and not self.clipped

    def affine(self, scale: Array, shift: Array) -> "Represented":
        """The value times `scale` plus `shift`. Raises `ValueError` if an activation stands in the way."""
        lo, hi = self.lo, self.hi
        if self.clipped:
            if (scale != scale[0]).any() or (shift != shift[0]).any():
                raise ValueError("an activation lies before a scale for each channel")
            bounds = sorted(float(b * scale[0] + shift[0]) for b in (lo, hi))
            lo, hi = bounds[0], bounds[1]
        scale, shift = self.scale * scale, self.shift * scale + shift
        return replace(self, scale=scale, shift=shift, lo=lo, hi=hi, own_bias=False, rule=None)

    def limited(self, lo: float, hi: float) -> "Represented":
        """The value limited to lo..hi as well."""
        return replace(self, lo=min(max(self.lo, lo), hi), hi=max(min(self.hi, hi), lo))

    def regrouped(self, value: str, channels: int) -> "Represented":
        """The value reshaped, to another number of channels. Raises `ValueError` if scales cannot follow."""
        if channels == len(self.scale):
            return replace(self, value=value)
        if self.one_scale and (self.shift == self.shift[0]).all():
            times = [np.full(channels, a[0]) for a in (self.scale, self.shift)]
        elif channels % len(self.scale) == 0:
            # NHWC: channels are the fastest
            times = [np.tile(a, channels // len(a)) for a in (self.scale, self.shift)]
        else:
            raise ValueError("values with a scale for each channel are reshaped")
        rule = self.rule and self.rule.spread(channels)
        return replace(self, value=value, scale=times[0], shift=times[1], layer=None, rule=rule)

    def rearranged(self, value: str, source: Array) -> "Represented":
        """The value with its elements in other places: channel c holds what `source[c]` did."""
        rule = self.rule and self.rule.spread(len(source))
        return replace(self, value=value, scale=self.scale[source], shift=self.shift[source], layer=None, rule=rule)

    @property
    def comparable(self) -> bool:
        """Whether a larger integer is a larger value, across channels as well."""
        return self.one_scale and self.scale[0] > 0 and not self.clipped and bool((self.shift == self.shift[0]).all())
