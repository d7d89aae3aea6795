"""Packed products: the two lanes proven apart for all operands, in integers and in hardware."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.emit.primitives import simulation_models
from rtlnn.errors import CheckFailed
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.mac_packed import PackedMacConfig, longest_chain, packed
from rtlnn.ops import Window
from rtlnn.plan.folding import Candidate, Folding
from rtlnn.plan.tasks import tasks_of
from tests.hardware import Design
from tests.integer_graphs import Builder

Rng = np.random.Generator
Pairs = Sequence[tuple[int, int, int]]
"""(x, low weight, high weight) of every DSP of a chain."""


def _wrapped(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def _lanes(chain: Pairs, spacing: int) -> tuple[int, int]:
    """What the slice and the split after it do, width by width: the low and the high sum."""
    p = 0
    for x, low, high in chain:
        ad = _wrapped(_wrapped(high << spacing, 27) + low, 27)
        p = _wrapped(p + ad * _wrapped(x, 18), 48)
    return _wrapped(p, spacing), _wrapped(p >> spacing, 48 - spacing) + (p >> spacing - 1 & 1)


def _sums(chain: Pairs) -> tuple[int, int]:
    return sum(x * low for x, low, _ in chain), sum(x * high for x, _, high in chain)


def _range(bits: int, signed: bool) -> tuple[int, int]:
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def _operands() -> Iterator[tuple[tuple[int, bool], tuple[int, int, int]]]:
    """All widths; weights that use -2**(n-1), and those that do not."""
    for x_bits, x_signed, w_bits, narrow in product(range(1, 19), (False, True), range(2, 9), (False, True)):
        lo, hi = _range(w_bits, True)
        yield (x_bits, x_signed), (w_bits, lo + narrow, hi)


def _extreme_chains(x: tuple[int, bool], w: tuple[int, int, int], length: int) -> Iterator[Pairs]:
    """Chains of one and the same triple of ends: no sum of any other is further out."""
    for x_end, low, high in product(_range(*x), w[1:], w[1:]):
        yield [(x_end, low, high)] * length


def test_lanes_are_apart_at_the_extremes_of_all_widths() -> None:
    spacings = set()
    for x, w in _operands():
        config = packed(2, 64, x, w, 32)
        if config is None:
            continue
        spacings.add(config.spacing)
        assert config.spacing == 18 or w[1] > -128
        assert _range(*x)[1] < 1 << 17
        for high, low in product((w[1], w[2]), repeat=2):
            assert -(1 << 26) <= (high << config.spacing) + low < 1 << 26
        for length in {1, min(config.chain, 200), *config.lengths}:
            for chain in _extreme_chains(x, w, length):
                assert _lanes(chain, config.spacing) == _sums(chain)
    assert spacings == {18, 19}


def test_one_more_dsp_would_overflow() -> None:
    seen = 0
    for x, w in _operands():
        config = packed(2, 64, x, w, 32)
        if config is not None and config.chain < 5000:
            chains = _extreme_chains(x, w, config.chain + 1)
            assert any(_lanes(chain, config.spacing) != _sums(chain) for chain in chains)
            seen += 1
    assert seen > 100


def test_refusals() -> None:
    """Operands that no chain takes, or not even one DSP."""
    assert packed(2, 1, (18, False), (2, -1, 1), 32) is None
    assert packed(2, 1, (18, True), (2, -1, 1), 32) is not None
    assert packed(2, 1, (19, True), (2, -1, 1), 32) is None
    assert packed(2, 1, (8, True), (9, -256, 255), 32) is None
    assert packed(2, 1, (11, False), (8, -127, 127), 32) is not None
    assert packed(2, 1, (12, False), (8, -127, 127), 32) is None
    assert packed(2, 1, (11, False), (8, -128, 127), 32) is None


@pytest.mark.parametrize(("x_signed", "length"), [(False, 2), (True, 3)])
def test_lanes_are_apart_for_all_small_operands(x_signed: bool, length: int) -> None:
    """Every longest chain of 2-bit weights and activations at a spacing of 5; the order of a sum does not matter."""
    xs, ws = _range(2, x_signed), _range(2, True)
    assert longest_chain(*xs, *ws, 5) == length
    x_all, w_all = range(xs[0], xs[1] + 1), range(ws[0], ws[1] + 1)
    triples = list(product(x_all, w_all, w_all))
    for chain in map(list, combinations_with_replacement(triples, length)):
        assert _lanes(chain, 5) == _sums(chain)


def test_chains_share_the_inputs() -> None:
    for simd, chain in product(range(1, 30), range(1, 12)):
        config = PackedMacConfig(3, simd, 8, False, 8, 24, chain, 19)
        assert [n for c in config.chains for n in c] == list(range(simd))
        assert max(config.lengths) - min(config.lengths) <= 1
        assert max(config.lengths) <= chain
        assert len(config.lengths) == -(-simd // chain)
        assert [len(s.order) for s in config.slices] == list(config.slice_sizes)
        places = sorted(key for s in config.slices for key in s.order)
        assert places == sorted(product(range(3), range(simd)))


def _design(builder: Builder, folding: Folding, folder: Path, spacing: int | None = None, longer: int = 0) -> Design:
    """The only kernel of a graph, packed; in chains that are just long enough for a spacing, or too long."""
    (task,) = tasks_of(builder.graph())
    stage = Candidate(task, folding, Arithmetic.DSP48E2)
    kernel, contents = stage.kernel, stage.contents()
    array = kernel.array
    assert isinstance(array, PackedMacConfig)
    if spacing is not None:
        xs = _range(array.x_bits, array.x_signed)
        chain = longest_chain(*xs, *task.weight_bounds, spacing) + longer
        kernel = replace(kernel, array=replace(array, spacing=spacing, chain=chain))
        # the slices are others now, with the same words' weights
        changed = Candidate(task, stage.settled, Arithmetic.DSP48E2)
        changed.__dict__["kernel"] = kernel
        contents = changed.contents()
    design = Design.of([Stage("kernel", kernel, contents)], folder)
    models = {"DSP48E2": simulation_models("DSP48E2")["sim/DSP48E2.v"]}
    return replace(design, netlist=replace(design.netlist, modules={**design.netlist.modules, **models}))


def _check(design: Design, builder: Builder, frames: Array) -> PackedMacConfig:
    graph = builder.graph()
    design.check(frames, graph.evaluate(frames)[graph.outputs[0]])
    layer = design.stages[0].layer
    assert isinstance(layer, KernelConfig)
    assert isinstance(layer.array, PackedMacConfig)
    return layer.array


def _all_small(rng: Rng, simd: int) -> tuple[Builder, Array]:
    """Every pair of `simd` 2-bit weights as channels 2n and 2n + 1, every input as a frame."""
    values = list(product(range(-2, 2), repeat=simd))
    if simd > 2:
        values = [v for v in values if set(v) <= {-2, 1}]
    weights = np.array([w for pair in product(values, repeat=2) for w in pair])
    builder = Builder(rng, (1, 1, simd), 2).dense(len(weights), 2, weights, np.zeros(1))
    frames = np.array(list(product(range(4), repeat=simd)))[:, np.newaxis, np.newaxis]
    return builder, frames


def test_hardware_with_all_small_operands(rng: Rng, tmp_path: Path) -> None:
    builder, frames = _all_small(rng, 2)
    array = _check(_design(builder, Folding(2, 2, (1, 1)), tmp_path, spacing=5), builder, frames)
    assert array.lengths == (2,)


def test_a_chain_that_is_too_long_is_found(rng: Rng, tmp_path: Path) -> None:
    builder, frames = _all_small(rng, 3)
    design = _design(builder, Folding(2, 3, (1, 1)), tmp_path, spacing=5, longer=1)
    with pytest.raises(CheckFailed, match="no stalls"):
        _check(design, builder, frames)


def test_hardware_at_the_extremes(rng: Rng, tmp_path: Path) -> None:
    """Weights of -128 and 127 in every pair, chains of different length, an odd number of channels, many resets."""
    weights = rng.choice([-128, -127, -1, 0, 127], (11, 28), p=[0.4, 0.1, 0.05, 0.05, 0.4])
    weights[:6] = np.array([[-128, -128], [127, -128], [127, 127]]).repeat(14, 1).reshape(6, 14).repeat(2, 1)
    builder = Builder(rng, (1, 1, 28)).dense(11, 8, weights, np.zeros(1))
    frames = rng.choice([0, 1, 128, 255], (12, 1, 1, 28), p=[0.1, 0.1, 0.2, 0.6])
    frames[:3] = 255
    design = _design(builder, Folding(3, 10, (1, 1)), tmp_path)
    array = _check(design, builder, frames)
    assert (array.spacing, array.lengths) == (18, (4, 3, 3))
    expected = builder.graph().evaluate(frames)[builder.value]
    core = design.core()
    for cycle in range(1, 60):
        core.run(frames, reset_at=cycle).check(expected)


def test_hardware_with_wide_activations(rng: Rng, tmp_path: Path) -> None:
    """16 bits leave chains of three for ternary weights."""
    weights = rng.choice([-2, 1], (5, 2, 1, 7))
    builder = Builder(rng, (3, 2, 7), 16, True).conv(5, Window((2, 1)), 2, weights, np.zeros(1))
    builder.requantize(8, True)
    frames = rng.choice([-(1 << 15), (1 << 15) - 1, 3], (6, 3, 2, 7))
    array = _check(_design(builder, Folding(5, 7, (1, 1)), tmp_path), builder, frames)
    assert (array.spacing, array.lengths) == (19, (3, 2, 2))
