"""The multiply-accumulate arrays alone: exact sums and latency, several positions, bubbles, resets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.ir.types import Array
from rtlnn.layers.mac import MacConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.sim.stream_run import Stalls
from tests.array_bench import ArrayBench, Config

Rng = np.random.Generator
INFERRED = MacConfig(3, 5, 8, False, 8, 24)
PACKED = PackedMacConfig(3, 5, 8, False, 8, 24, chain=4, spacing=18)


def data(rng: Rng, config: Config, passes: int, steps: int) -> tuple[Array, Array]:
    """Mostly extremes: x [passes, steps, positions, simd] and weights [passes, steps, pe, simd]."""
    ends = [(-(1 << c - 1), (1 << c - 1) - 1) for c in (config.x_bits, config.w_bits)]
    if not config.x_signed:
        ends[0] = 0, (1 << config.x_bits) - 1
    shapes = (passes, steps, config.positions, config.simd), (passes, steps, config.pe, config.simd)
    result = []
    for (lo, hi), shape in zip(ends, shapes, strict=True):
        result.append(np.where(rng.random(shape) < 0.7, rng.choice([lo, hi], shape), rng.integers(lo, hi + 1, shape)))
    return result[0], result[1]


@pytest.mark.parametrize("config", [INFERRED, PACKED])
@pytest.mark.parametrize("positions", [1, 2, 3])
def test_positions_share_the_weights(config: Config, positions: int, rng: Rng, tmp_path: Path) -> None:
    config = replace(config, positions=positions)
    bench = ArrayBench.of(config, 3, tmp_path)
    x, weights = data(rng, config, 40, 3)
    bench.check(x, weights)
    bench.check(x, weights, Stalls(0.4))
    for cycle in range(1, 30):
        bench.check(x[:5], weights[:5], reset_at=cycle)
