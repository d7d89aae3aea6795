"""Grouped, depthwise and dilated convolutions: every bit and the cycle of every beat."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.errors import CheckFailed
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.kernel import KernelConfig
from rtlnn.ops import Window
from rtlnn.plan.candidates import candidates
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from tests.hardware import kernel
from tests.integer_graphs import Builder

Rng = np.random.Generator
Case = tuple[Callable[[Rng], Builder], Folding]


def _extremes(rng: Rng) -> Builder:
    """Sums at both ends of their format: weights of -128 and 127 against 255 and 0."""
    signs = np.where(np.arange(6) % 2, 127, -128).reshape(6, 1, 1, 1)
    return Builder(rng, (3, 4, 3)).conv(6, Window((2, 2)), weights=signs, bias=0, groups=3).requantize(signed=True)


CASES: dict[str, Case] = {
    "depthwise, one channel at once": (
        lambda rng: Builder(rng, (3, 4, 3), zero=7).conv(3, Window((2, 2), pads=(0, 1, 1, 0)), groups=3).requantize(),
        Folding(1, 1, (1, 1), rows=2, slots=1),
    ),
    "depthwise, prime channels, lanes that divide nothing, stride beyond the kernel": (
        lambda rng: (
            Builder(rng, (7, 8, 7), 8, True, -128)
            .conv(7, Window((2, 3), (3, 4), (1, 0, 0, 2)), groups=7)
            .requantize(8, True, -5)
        ),
        Folding(3, 3, (1, 3)),
    ),
    "depthwise, the kernel is the image, all at once": (
        lambda rng: Builder(rng, (3, 2, 5), 7).conv(5, Window((3, 2)), groups=5).requantize(),
        Folding(5, 5, (3, 2)),
    ),
    "depthwise, a channel multiplier of 3, all taps at once": (
        lambda rng: Builder(rng, (4, 4, 3), zero=200).conv(9, Window((3, 3), pads=(1,) * 4), groups=3).requantize(),
        Folding(6, 2, (3, 3)),
    ),
    "depthwise, a channel multiplier of 2, its parts in turn": (
        lambda rng: Builder(rng, (3, 3, 3), 5).conv(6, Window((2, 2)), groups=3),
        Folding(1, 1, (1, 2)),
    ),
    "depthwise, two positions at once share their weights": (
        lambda rng: Builder(rng, (4, 6, 3), zero=99).conv(3, Window((3, 3), pads=(1,) * 4), groups=3).requantize(),
        Folding(3, 3, (1, 3), positions=(1, 2)),
    ),
    "a single pixel, depthwise, padded": (
        lambda rng: Builder(rng, (1, 1, 2), zero=3).conv(2, Window((3, 3), pads=(1,) * 4), groups=2).requantize(),
        Folding(2, 2, (3, 3)),
    ),
    "groups, parts of them in turn, in several passes": (
        lambda rng: Builder(rng, (4, 3, 12), 8, True, 9).conv(18, Window((2, 2), (2, 1)), groups=3).requantize(),
        Folding(3, 2, (1, 2), split=2),
    ),
    "groups, whole ones at once, the last step half full": (
        lambda rng: Builder(rng, (3, 4, 6), zero=1).conv(9, Window((2, 3), pads=(1, 0, 0, 1)), groups=3).requantize(),
        Folding(6, 4, (2, 1)),
    ),
    "groups of one output channel": (
        lambda rng: Builder(rng, (3, 3, 6), 6).conv(2, Window((2, 2)), groups=2).requantize(),
        Folding(1, 3, (2, 2), split=4),
    ),
    "two groups at once, largest sums of four positions": (
        lambda rng: (
            Builder(rng, (5, 4, 4)).conv(4, Window((2, 1)), groups=2).max_pool(Window((2, 2), (2, 2))).requantize()
        ),
        Folding(4, 4, (2, 1), positions=(1, 2)),
    ),
    "sums at both ends, depthwise": (_extremes, Folding(4, 2, (1, 1))),
    "dilated in both directions, taps in turn": (
        lambda rng: Builder(rng, (7, 8, 2), zero=5).conv(3, Window((3, 2), (1, 2), (2, 0, 1, 3), (2, 3))).requantize(),
        Folding(2, 1, (1, 1)),
    ),
    "dilated, taps at once": (
        lambda rng: Builder(rng, (6, 7, 2), 6).conv(3, Window((2, 3), (2, 1), (1, 2, 0, 2), (3, 2))).requantize(),
        Folding(3, 2, (2, 3)),
    ),
    "dilated beyond the image": (
        lambda rng: Builder(rng, (2, 3, 2), zero=50).conv(3, Window((3, 3), (1, 1), (4, 5, 4, 5), (4, 5))).requantize(),
        Folding(3, 2, (1, 3)),
    ),
    "dilated in one dimension, causal, as many positions as a beat has pixels": (
        lambda rng: (
            Builder(rng, (1, 12, 3), 8, True, -4)
            .conv(5, Window((1, 2), pads=(0, 4, 0, 0), dilation=(1, 4)))
            .requantize()
        ),
        Folding(5, 3, (1, 2), positions=(1, 2), pixels=2),
    ),
    "dilated and depthwise": (
        lambda rng: (
            Builder(rng, (5, 6, 5), 8).conv(5, Window((2, 2), (1, 1), (0, 0, 2, 3), (2, 3)), groups=5).requantize()
        ),
        Folding(2, 2, (1, 2)),
    ),
}


PACKED = (
    "depthwise, a channel multiplier of 3, all taps at once",
    "depthwise, two positions at once share their weights",
    "groups, whole ones at once, the last step half full",
    "sums at both ends, depthwise",
)


@pytest.mark.parametrize("case", CASES.values(), ids=[name.replace(" ", "_") for name in CASES])
def test_bits_and_cycles(case: Case, rng: Rng, tmp_path: Path) -> None:
    make, folding = case
    builder = make(rng)
    kernel(builder.graph(), folding, builder.frames(5), tmp_path)


@pytest.mark.parametrize("name", PACKED, ids=[name.replace(" ", "_") for name in PACKED])
def test_in_slices(name: str, rng: Rng, tmp_path: Path) -> None:
    """Products share slices within a group only."""
    make, folding = CASES[name]
    builder = make(rng)
    kernel(builder.graph(), folding, builder.frames(5), tmp_path, arithmetic=Arithmetic.DSP48E2)


def _of_the_next_channel(stage: Stage) -> Stage:
    words = stage.contents["weight"]
    return replace(stage, contents={**stage.contents, "weight": [*words[1:], words[0]]})


def _nearer_taps(stage: Stage) -> Stage:
    assert isinstance(stage.layer, KernelConfig)
    window = stage.layer.window
    near = replace(window.window, pads=(0, 2, 0, 0), dilation=(1, 2))
    return replace(stage, layer=replace(stage.layer, window=replace(window, window=near)))


@pytest.mark.parametrize("fault", [_of_the_next_channel, _nearer_taps])
def test_faults_are_found(fault: Callable[[Stage], Stage], rng: Rng, tmp_path: Path) -> None:
    window = Window((1, 2), pads=(0, 3, 0, 0), dilation=(1, 3))
    builder = Builder(rng, (2, 6, 3)).conv(3, window, groups=3).requantize(signed=True)
    with pytest.raises(CheckFailed, match="values are wrong"):
        kernel(builder.graph(), Folding(1, 1, (1, 1)), builder.frames(3), tmp_path, fault)


def _random_case(rng: Rng) -> tuple[Builder, Folding]:
    groups, depth, outputs = (int(rng.integers(1, 5)) for _ in range(3))
    size, dilation = ((int(rng.integers(1, 4)), int(rng.integers(1, 4))) for _ in range(2))
    pads = tuple(int(p) for p in rng.integers(0, 5, 4))
    extent = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    height, width = (max(int(rng.integers(1, 9)), extent[n] - pads[n] - pads[n + 2]) for n in range(2))
    stride = (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    builder = Builder(rng, (height, width, groups * depth), int(rng.integers(2, 9)), zero=int(rng.integers(4)))
    builder.conv(groups * outputs, Window(size, stride, (pads[0], pads[1], pads[2], pads[3]), dilation), groups=groups)
    (task,) = tasks_of(builder.requantize().graph())
    foldings = list(candidates(task))
    return builder, foldings[int(rng.integers(len(foldings)))]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(40))
def test_random_shapes(number: int, rng: Rng, tmp_path: Path) -> None:
    builder, folding = _random_case(rng)
    print(builder.nodes, folding)
    arithmetic = Arithmetic.DSP48E2 if number % 4 == 0 else Arithmetic.GENERIC
    kernel(builder.graph(), folding, builder.frames(4), tmp_path, arithmetic=arithmetic)
