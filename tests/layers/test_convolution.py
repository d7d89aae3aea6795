"""Convolution and dense kernels: every bit and the cycle of every beat, in the shapes where counters go wrong."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ops import Precision, Window
from rtlnn.plan.folding import Folding
from tests.hardware import kernel
from tests.integer_graphs import Builder

Rng = np.random.Generator
Case = tuple[Callable[[Rng], Builder], Folding]


def _extremes(rng: Rng) -> Builder:
    """Sums at both ends of their format: weights of ±127 against frames of 255 and 0."""
    signs = np.where(np.arange(6) % 2, 127, -127).reshape(6, 1, 1, 1)
    return Builder(rng, (3, 4, 3)).conv(6, Window((2, 2)), weights=signs, bias=0).requantize(signed=True)


CASES: dict[str, Case] = {
    "a single value": (
        lambda rng: Builder(rng, (1, 1, 1)).conv(1, Window((1, 1))).requantize(),
        Folding(1, 1, (1, 1), rows=1, slots=1),
    ),
    "a pixel in padding": (
        lambda rng: Builder(rng, (1, 1, 1), zero=200).conv(3, Window((3, 3), pads=(1, 1, 1, 1))).requantize(),
        Folding(2, 1, (1, 1)),
    ),
    "more padding than image, below and to the right": (
        lambda rng: (
            Builder(rng, (2, 1, 2), 4, True, -3)
            .conv(2, Window((2, 1), (1, 2), (0, 0, 9, 7)), w_bits=3)
            .requantize(5, True, -1)
        ),
        Folding(1, 2, (1, 1)),
    ),
    "more padding than kernel, above and to the left": (
        lambda rng: (
            Builder(rng, (2, 3, 2), 4, True, -3)
            .conv(2, Window((2, 2), (1, 2), (5, 4, 1, 0)), w_bits=3)
            .requantize(5, True, -1)
        ),
        Folding(1, 2, (2, 2)),
    ),
    "windows that miss the image": (
        lambda rng: Builder(rng, (1, 1, 1), 4).conv(2, Window((1, 1), (3, 1), (1, 0, 1, 0)), w_bits=3).requantize(5),
        Folding(1, 1, (1, 1)),
    ),
    "stride beyond the kernel, primes, 16-bit result": (
        lambda rng: (
            Builder(rng, (9, 8, 5), 8, True, -128).conv(7, Window((2, 1), (4, 3), (1, 0, 0, 1))).requantize(16, True)
        ),
        Folding(3, 2, (2, 1)),
    ),
    "the kernel is the image": (
        lambda rng: Builder(rng, (4, 3, 3), 7).conv(5, Window((4, 3))).requantize(2),
        Folding(5, 3, (4, 3)),
    ),
    "rows of the kernel in turn, columns at once, least buffers": (
        lambda rng: Builder(rng, (5, 7, 3), 6, True, 5).conv(5, Window((2, 3), (1, 2), (0, 2, 1, 0)), 5).requantize(6),
        Folding(2, 2, (1, 3), rows=2, slots=1),
    ),
    "rows and columns that no window reads": (
        lambda rng: Builder(rng, (7, 8, 3), 5).conv(4, Window((2, 3), (1, 1), (1, 1, -3, -2))).requantize(),
        Folding(2, 3, (2, 1)),
    ),
    "none but the first pixel is read": (
        lambda rng: Builder(rng, (4, 5, 2), 5).conv(3, Window((1, 1), pads=(0, 0, -3, -4))).requantize(),
        Folding(3, 1, (1, 1), rows=1),
    ),
    "a row as kernel, 2-bit weights": (
        lambda rng: (
            Builder(rng, (3, 11, 2), 3, zero=2).conv(4, Window((1, 5), (1, 1), (0, 2, 0, 2)), 2, bias=1).requantize(4)
        ),
        Folding(4, 1, (1, 5)),
    ),
    "16-bit values": (
        lambda rng: Builder(rng, (4, 3, 2), 16, True, -999).conv(3, Window((3, 1), pads=(2, 0, 0, 0))).requantize(7),
        Folding(3, 2, (3, 1)),
    ),
    "sums at both ends": (_extremes, Folding(6, 3, (1, 1))),
    "dense, lanes that divide nothing, one multiplication pass": (
        lambda rng: (
            Builder(rng, (1, 1, 37), 8, True, 3)
            .dense(11)
            .requantize(precision=Precision.FAST, offset=rng.integers(-(1 << 30), 1 << 30, 11))
        ),
        Folding(4, 5, (1, 1)),
    ),
    "dense, all at once, without requantization": (
        lambda rng: Builder(rng, (1, 1, 9)).dense(4),
        Folding(4, 9, (1, 1)),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "_") for name in CASES])
def test_bits_and_cycles(case: Case, rng: Rng, tmp_path: Path) -> None:
    make, folding = case
    builder = make(rng)
    kernel(builder.graph(), folding, builder.frames(5), tmp_path)


def _random_case(rng: Rng) -> tuple[Builder, Folding]:
    kernel_size = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    pads = tuple(int(p) for p in rng.integers(0, 4, 4)) if rng.random() < 0.7 else (0, 0, 0, 0)
    height, width = (
        max(int(rng.integers(1, 9)), k - a - b)
        for k, a, b in ((kernel_size[0], pads[0], pads[2]), (kernel_size[1], pads[1], pads[3]))
    )
    bits, signed = int(rng.integers(2, 9)), bool(rng.integers(2))
    low = -(1 << bits - 1) if signed else 0
    channels, outputs = int(rng.integers(1, 8)), int(rng.integers(1, 8))
    window = Window(kernel_size, (int(rng.integers(1, 5)), int(rng.integers(1, 5))), pads)
    builder = Builder(rng, (height, width, channels), bits, signed, int(rng.integers(low, low + (1 << bits))))
    builder.conv(outputs, window, int(rng.integers(2, 9)))
    if rng.random() < 0.9:
        precision = Precision.EXACT if rng.random() < 0.6 else Precision.FAST
        out_bits, out_signed = int(rng.integers(2, 17)), bool(rng.integers(2))
        zero = int(rng.integers(-(1 << out_bits - 1), 1 << out_bits - 1)) if out_signed else 0
        builder.requantize(out_bits, out_signed, zero, precision)
    parallel = tuple(k if rng.random() < 0.5 else 1 for k in kernel_size)
    rows = None if rng.random() < 0.5 else -(-kernel_size[0] // parallel[0]) * parallel[0]
    return builder, Folding(
        int(rng.integers(1, outputs + 1)),
        int(rng.integers(1, channels + 1)),
        parallel,
        rows,
        None if rng.random() < 0.5 else int(rng.integers(1, 4)),
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", range(40))
def test_random_shapes(number: int, rng: Rng, tmp_path: Path) -> None:
    builder, folding = _random_case(rng)
    print(builder.nodes, folding)
    kernel(builder.graph(), folding, builder.frames(4), tmp_path)
