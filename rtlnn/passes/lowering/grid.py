"""Real weights that are integers already, but for their scale."""

import numpy as np

from rtlnn.ir.types import Array, Encoding, FixedFormat

__all__ = ["exact_integers"]

MOST_BITS = 16


def exact_integers(weights: Array) -> tuple[Array, FixedFormat] | None:
    """`weights` (O, ...) as integers and their format; None where they have more than 16 bits.

    Exporters of binary networks write {-a, a} or {-a, 0, a}, with an a for each output channel; others write numbers
    on a grid of a power of two.
    """
    rows = np.abs(weights.reshape(len(weights), -1))
    largest = np.where(rows.any(axis=1), rows.max(axis=1), 1.0)
    shape = (-1, *(1,) * (weights.ndim - 1))
    if ((rows == 0) | (rows == largest[:, np.newaxis])).all():
        one = bool((largest == largest[0]).all())
        scale = float(largest[0]) if one else tuple(float(s) for s in largest)
        return np.rint(weights / largest.reshape(shape)).astype(np.int64), FixedFormat(2, Encoding.SIGNED, scale)
    most = float(rows.max())
    step = 2.0 ** (np.ceil(np.log2(most)) - (MOST_BITS - 1))
    integers = np.rint(weights / step)
    if not np.isfinite(most) or (integers * step != weights).any():
        return None
    whole = integers.astype(np.int64)
    shift = int(np.bitwise_or.reduce(whole, axis=None))
    zeros = (shift & -shift).bit_length() - 1
    whole >>= zeros
    return whole, FixedFormat.spanning(min(int(whole.min()), -1), int(whole.max()), float(step * 2.0**zeros))
