"""The integer softmax beside the real one."""

import numpy as np
import pytest

from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.ops.softmax import GUARD_BITS, FixedSoftmax

BYTE = FixedFormat(8, Encoding.UNSIGNED, float(np.float32(1 / 255)))
SIGNED = FixedFormat(8, Encoding.SIGNED, 1 / 256, -128)
WIDE = FixedFormat(16, Encoding.UNSIGNED, 1 / 65535)


@pytest.mark.parametrize("output", [BYTE, SIGNED, WIDE])
@pytest.mark.parametrize("channels", [1, 2, 10, 1000])
def test_the_error_is_bounded(output: FixedFormat, channels: int, rng: np.random.Generator) -> None:
    for scale in (0.003, 0.1, 0.8):
        kind = TensorType((1, 1, channels), FixedFormat(8, Encoding.SIGNED, scale))
        op, table = FixedSoftmax.of(kind, output)
        x = rng.integers(-128, 128, (50, 1, 1, channels))
        # all alike, and one that beats all others
        x[0], x[1], x[1, ..., -1] = 5, -128, 127
        powers = np.exp(scale * (x - x.max(axis=-1, keepdims=True)))
        real = powers / powers.sum(axis=-1, keepdims=True) / output.one_scale + output.zero_point
        error = np.abs(op.evaluate(x, table) - np.clip(real, output.lo, output.hi)).max()
        assert error < 0.5 + 2.0 ** (1 - GUARD_BITS)
