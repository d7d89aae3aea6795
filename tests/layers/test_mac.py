"""The multiply-accumulate arrays alone: exact sums and latency, several positions, bubbles, resets, all operands."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.lane_sums import Operand
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_column import Accumulation
from rtlnn.layers.mac_packed import PackedMacConfig, Sharing
from rtlnn.layers.packing import ArraySize, pack
from rtlnn.sim.stream_run import Stalls
from tests.array_bench import ArrayBench, Config

Rng = np.random.Generator
Widths = tuple[int, int, bool]
"""Bits of weights and activations, and whether the latter are signed."""
STEPS = 3
E1, E2 = Arithmetic.DSP48E1, Arithmetic.DSP48E2


def data(rng: Rng, config: Config, passes: int, steps: int, narrow: bool = False) -> tuple[Array, Array]:
    """Mostly extremes: x [passes, steps, positions, simd] and weights [passes, steps, pe, simd].

    The first passes have but one value of each; `narrow` weights are never the least of their bits.
    """
    x, w = Operand.of(config.x_bits, config.x_signed), Operand.of(config.w_bits, True)
    shapes = (passes, steps, config.positions, config.simd), (passes, steps, config.pe, config.simd)
    result = []
    for (lo, hi), shape in zip(((x.lo, x.hi), (w.lo + narrow, w.hi)), shapes, strict=True):
        values = np.where(rng.random(shape) < 0.7, rng.choice([lo, hi], shape), rng.integers(lo, hi + 1, shape))
        result.append(values)
    for n, (x_end, w_end) in enumerate(product((x.lo, x.hi), (w.lo + narrow, w.hi, 0))):
        result[0][n], result[1][n] = x_end, w_end
    return result[0], result[1]


def check_all(config: Config, steps: int, rng: Rng, folder: Path, narrow: bool = False) -> None:
    """Back to back, with bubbles, and after a reset in every cycle of the first passes."""
    bench = ArrayBench.of(config, steps, folder)
    x, weights = data(rng, config, 40, steps, narrow)
    bench.check(x, weights)
    bench.check(x, weights, Stalls(0.4))
    for cycle in range(1, 5 * steps + 3):
        bench.check(x[:5], weights[:5], reset_at=cycle)


@pytest.mark.parametrize("positions", [1, 3])
def test_inferred(positions: int, rng: Rng, tmp_path: Path) -> None:
    check_all(MacConfig(3, 5, 8, False, 8, 24, positions), STEPS, rng, tmp_path)


@pytest.mark.parametrize(
    ("pe", "positions", "steps", "widths", "limit", "sharing", "accumulation", "arithmetic"),
    [
        (3, 1, 4, (8, 8, False), 3, Sharing.CHANNELS, Accumulation.FABRIC, E2),
        (4, 3, 4, (8, 8, True), None, Sharing.CHANNELS, Accumulation.FABRIC, E2),
        (1, 2, 3, (8, 8, False), None, Sharing.POSITIONS, Accumulation.FABRIC, E2),
        (1, 3, 1, (8, 8, True), None, Sharing.POSITIONS, Accumulation.SLICE, E2),
        (5, 1, 3, (5, 3, False), 2, Sharing.CHANNELS, Accumulation.SLICE, E2),
        (1, 2, 3, (7, 7, False), 3, Sharing.POSITIONS, Accumulation.SLICE, E2),
        (2, 2, 3, (16, 16, True), None, Sharing.NONE, Accumulation.SLICE, E2),
        (1, 1, 4, (8, 16, False), 1, Sharing.NONE, Accumulation.SLICE, E2),
        (4, 1, 4, (8, 8, False), 5, Sharing.CHANNELS, Accumulation.DUAL, E2),
        (3, 1, 4, (5, 5, False), 5, Sharing.CHANNELS, Accumulation.DUAL, E2),
        (3, 2, 3, (8, 8, False), 2, Sharing.POSITIONS, Accumulation.DUAL, E2),
        (2, 1, 2, (8, 8, True), 1, Sharing.CHANNELS, Accumulation.DUAL, E2),
        (3, 3, 3, (8, 8, True), 4, Sharing.CHANNELS, Accumulation.FABRIC, E1),
        (1, 2, 3, (7, 8, False), None, Sharing.POSITIONS, Accumulation.FABRIC, E1),
        (1, 2, 2, (16, 16, True), None, Sharing.NONE, Accumulation.FABRIC, E1),
    ],
)
def test_packed(
    pe: int,
    positions: int,
    steps: int,
    widths: Widths,
    limit: int | None,
    sharing: Sharing,
    accumulation: Accumulation,
    arithmetic: Arithmetic,
    rng: Rng,
    tmp_path: Path,
) -> None:
    w_bits, x_bits, x_signed = widths
    size = ArraySize(pe, 5, 40 if w_bits + x_bits > 18 else 24, positions, steps)
    # what is not chosen by itself is demanded
    demanded = accumulation if accumulation is Accumulation.DUAL else None
    config = pack(size, Operand.of(x_bits, x_signed), Operand.of(w_bits, True), None, limit, arithmetic, demanded)
    assert config is not None
    assert (config.sharing, config.accumulation) == (sharing, accumulation)
    check_all(config, steps, rng, tmp_path)


def test_weights_of_127_at_most(rng: Rng, tmp_path: Path) -> None:
    """All -127 by 255, all 127 by 0: a lane more than for weights of -128."""
    config = pack(ArraySize(2, 16, 24, steps=2), Operand.of(8, False), Operand(8, True, -127, 127))
    assert config is not None
    assert (config.spacing, config.lengths) == (19, (8, 8))
    check_all(config, 2, rng, tmp_path, narrow=True)


@pytest.mark.parametrize("accumulation", Accumulation)
def test_all_small_operands(accumulation: Accumulation, rng: Rng, tmp_path: Path) -> None:
    """Every pass of two products of 2 bits, in lanes of 5 bits; in one step or in two."""
    simd, steps = (2, 1) if accumulation is Accumulation.FABRIC else (1, 2)
    config = PackedMacConfig(2, simd, 2, False, 2, 12, (simd,), 5, 5, accumulation=accumulation)
    values = np.array(list(product(*[range(4)] * 2, *[range(-2, 2)] * 4)))
    x, weights = values[:, :2].reshape(-1, steps, 1, simd), values[:, 2:].reshape(-1, steps, 2, simd)
    ArrayBench.of(config, steps, tmp_path).check(x, weights)


def test_a_lane_that_is_too_narrow_is_found(rng: Rng, tmp_path: Path) -> None:
    config = PackedMacConfig(2, 3, 2, False, 2, 12, (3,), 5, 5)
    values = np.array(list(product(*[(0, 3)] * 3, *[(-2, 1)] * 6)))
    x, weights = values[:, :3].reshape(-1, 1, 1, 3), values[:, 3:].reshape(-1, 1, 2, 3)
    with pytest.raises(AssertionError, match="Mismatched elements"):
        ArrayBench.of(config, 1, tmp_path).check(x, weights)
    ArrayBench.of(replace(config, spacing=6, sum_bits=6), 1, tmp_path).check(x, weights)
