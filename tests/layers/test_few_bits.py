"""Binary, ternary and 2-bit layers in LUTs alone, and thresholds behind any layer: every bit, every cycle."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.errors import CheckFailed
from rtlnn.ir.graph import Graph
from rtlnn.layers.mac_few_bits import FewBitMacConfig
from rtlnn.ops import Conv2D, Dense, Thresholds, Window
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from tests.hardware import kernel
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator

LEVELS = {"binary": (-1, 1), "ternary": (-1, 0, 1), "two bits": (-2, -1, 0, 1), "other": (-1, 3)}


def compared(builder: Builder, levels: int, base: int = 0, step: int = 1, mixed: bool = True) -> Builder:
    """Thresholds where the samples lie, some of them beyond all sums, in both directions."""
    sums = builder.samples.reshape(-1, builder.channels)
    rng = builder.rng
    thresholds = np.sort(rng.choice(sums, levels, axis=0), axis=0) + (rng.random((levels, builder.channels)) < 0.5)
    thresholds[:, 0] = sums.max() + 1000
    thresholds[:, -1] = sums.min() - 1000
    sign = rng.choice([-1, 1], builder.channels) if mixed else np.ones(builder.channels, np.int64)
    thresholds = np.where(sign > 0, thresholds, np.sort(-thresholds, axis=0))
    ends = base, base + step * levels
    bits = max(max(ends).bit_length(), (-min(ends) - 1).bit_length() if min(ends) < 0 else 0) + (min(ends) < 0)
    out = fixed(bits, min(ends) < 0)
    return builder.add(
        Thresholds(out, base, step), "compare", t=(thresholds, fixed(32, True)), s=(sign, fixed(2, True))
    )


def _weights(builder: Builder, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    w = builder.rng.choice(LEVELS[kind], shape)
    w.reshape(-1)[: len(LEVELS[kind])] = LEVELS[kind]
    return w


def _dense(builder: Builder, kind: str, channels: int) -> Builder:
    w = _weights(builder, kind, (channels, builder.channels))
    return builder.add(Dense(builder.format.zero_point), "dense", w=(w, fixed(3, True)))


def _is_in_luts(graph: Graph, folding: Folding) -> bool:
    (task,) = tasks_of(graph, pools=True)
    candidate = Candidate(task, folding)
    return isinstance(candidate.kernel.array, FewBitMacConfig) and candidate.resources.dsp == 0


@pytest.mark.parametrize(
    ("kind", "bits", "signed", "pe", "lanes"),
    [
        ("binary", 1, False, 5, 13),
        ("binary", 2, True, 1, 1),
        ("ternary", 2, True, 5, 13),
        ("two bits", 2, True, 2, 5),
        ("other", 1, False, 2, 5),
    ],
)
def test_dense(kind: str, bits: int, signed: bool, pe: int, lanes: int, rng: Rng, tmp_path: Path) -> None:
    builder = compared(_dense(Builder(rng, (1, 1, 13), bits, signed), kind, 5), levels=2, base=-1)
    graph, folding = builder.graph(), Folding(pe, lanes, (1, 1))
    assert _is_in_luts(graph, folding)
    kernel(graph, folding, builder.frames(12), tmp_path)


def _conv(rng: Rng) -> Builder:
    """Padding, whose integer is the zero point; three groups; kernel rows in turn."""
    builder = Builder(rng, (5, 4, 6), 2, zero=1)
    w = _weights(builder, "ternary", (9, 3, 2, 2))
    window = Window((3, 2), (2, 1), (1, 0, 1, 1))
    return compared(builder.add(Conv2D(window, 1, groups=3), "conv", w=(w, fixed(3, True))), levels=3)


def _split(rng: Rng) -> Builder:
    """Inputs that do not divide into steps are multiplied by 0, a third value of binary weights."""
    builder = Builder(rng, (4, 4, 3), 1)
    w = _weights(builder, "binary", (4, 3, 3, 3))
    return compared(builder.add(Conv2D(Window((3, 3))), "conv", w=(w, fixed(2, True))), levels=1)


def _pooled(rng: Rng) -> Builder:
    """The largest sums are compared, not the sums."""
    builder = Builder(rng, (6, 6, 4), 2, True)
    w = _weights(builder, "two bits", (5, 3, 3, 4))
    builder.add(Conv2D(Window((3, 3))), "conv", w=(w, fixed(3, True))).max_pool(Window((2, 2), (2, 2)))
    return compared(builder, levels=3, base=-2)


def _sums(rng: Rng) -> Builder:
    """Nothing behind the sums but a bias, and as many sums at once as there are columns."""
    builder = Builder(rng, (3, 4, 5), 2)
    w = _weights(builder, "other", (3, 1, 1, 5))
    bias = rng.integers(-50, 50, 3)
    return builder.add(Conv2D(Window((1, 1))), "conv", w=(w, fixed(4, True)), b=(bias, fixed(8, True)))


SHAPES = {
    "conv": (_conv, Folding(6, 4, (1, 2))),
    "split": (_split, Folding(3, 3, (3, 3), split=4)),
    "pooled": (_pooled, Folding(2, 4, (3, 1), positions=(2, 1))),
    "sums": (_sums, Folding(3, 5, (1, 1), positions=(1, 2))),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str, rng: Rng, tmp_path: Path) -> None:
    make, folding = SHAPES[name]
    builder = make(rng)
    graph = builder.graph()
    assert _is_in_luts(graph, folding)
    kernel(graph, folding, builder.frames(5), tmp_path)


@pytest.mark.parametrize("levels", [1, 2, 15])
def test_thresholds_behind_wide_sums(levels: int, rng: Rng, tmp_path: Path) -> None:
    """Behind multipliers, whose sums have a bias and a zero point."""
    builder = Builder(rng, (2, 2, 6), 8, True, 3).conv(7, Window((2, 1)))
    compared(builder, levels, base=-levels, step=1 + (levels < 3), mixed=levels != 2)
    kernel(builder.graph(), Folding(4, 2, (2, 1)), builder.frames(6), tmp_path)


def test_thresholds_alone(rng: Rng, tmp_path: Path) -> None:
    builder = compared(Builder(rng, (3, 2, 5), 8, True).average_pool(Window((2, 2))), 3)
    kernel(builder.graph(), Folding(5, 5, (2, 2)), builder.frames(4), tmp_path)


def _flipped(memory: str, bit: int) -> Callable[[Stage], Stage]:
    def change(stage: Stage) -> Stage:
        words = list(stage.contents[memory])
        words[0] ^= 1 << bit
        return replace(stage, contents={**stage.contents, memory: words})

    return change


def test_a_wrong_weight_and_a_wrong_threshold_are_seen(rng: Rng, tmp_path: Path) -> None:
    folding = Folding(5, 13, (1, 1))
    builder = _dense(Builder(rng, (1, 1, 13), 1), "binary", 5)
    with pytest.raises(CheckFailed):
        kernel(builder.graph(), folding, builder.frames(4), tmp_path, _flipped("weight", 13))
    graph = compared(builder, 1, mixed=False).graph()
    (task,) = tasks_of(graph)
    bits = Candidate(task, folding).kernel.finish.parameter_bits
    # the sign of the third channel's threshold
    with pytest.raises(CheckFailed):
        kernel(graph, folding, builder.frames(40), tmp_path, _flipped("parameter", 3 * bits - 1))
