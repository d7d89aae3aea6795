"""Rearrangements: every bit and cycle of chains of them, their buffers' sizes, and what does not fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.errors import CheckFailed
from rtlnn.ir.types import Array, Encoding, FixedFormat, TensorType
from rtlnn.layers.component import LayerConfig
from rtlnn.layers.gearbox import GearboxConfig
from rtlnn.layers.rearrange import RearrangeConfig
from rtlnn.layers.rearranging import Rearranging
from rtlnn.layers.words import Level
from rtlnn.ops import Rearrange
from rtlnn.plan.schedule import schedule
from tests.hardware import Design

Rng = np.random.Generator
Shape = tuple[int, int, int]
Change = Callable[[Array], Array]

BITS = 5


def _kind(shape: Shape) -> TensorType:
    return TensorType(shape, FixedFormat(BITS, Encoding.SIGNED))


def _op(shape: Shape, change: Change, fill: int = 0) -> Rearrange:
    """`change` of an image's elements, as a rearrangement; -1 is fill."""
    places = change(np.arange(int(np.prod(shape))).reshape(shape))
    full = np.where(places < 0, places.max() + 1, places)
    tables = []
    for others, base in (((1, 2), 0), ((0, 2), full.min()), ((0, 1), full.min())):
        table = np.where(places.max(axis=others) < 0, -1, full.min(axis=others) - base)
        tables.append(tuple(int(v) for v in table))
    op = Rearrange(*tables, fill=fill)
    assert (op.places == places).all()
    return op


def _slice(*parts: slice) -> Change:
    return lambda a: a[parts]


def _padded(*widths: tuple[int, int], mode: str = "constant") -> Change:
    if mode == "constant":
        return lambda a: np.pad(a, widths, constant_values=-1)
    return lambda a: np.pad(a, widths, mode=mode)  # type: ignore[call-overload]


def _depth_to_space(block: int, crd: bool) -> Change:
    def change(a: Array) -> Array:
        h, w, c = a.shape
        depth = c // block**2
        split = (h, w, depth, block, block) if crd else (h, w, block, block, depth)
        order = (0, 3, 1, 4, 2) if crd else (0, 2, 1, 3, 4)
        return a.reshape(split).transpose(order).reshape(h * block, w * block, depth)

    return change


def _space_to_depth(block: int) -> Change:
    def change(a: Array) -> Array:
        h, w, c = a.shape
        split = a.reshape(h // block, block, w // block, block, c)
        return split.transpose(0, 2, 1, 3, 4).reshape(h // block, w // block, -1)

    return change


def _upsampled(times: int) -> Change:
    return lambda a: a.repeat(times, 0).repeat(times, 1)


def _shuffled(groups: int) -> Change:
    return lambda a: a.reshape(*a.shape[:2], groups, -1).swapaxes(2, 3).reshape(a.shape)


def _spread(step: int) -> Change:
    def change(a: Array) -> Array:
        h, w, c = a.shape
        out = np.full((step * h - step + 1, step * w - step + 1, c), -1)
        out[::step, ::step] = a
        return out

    return change


Part = tuple[Change, int, int]
"""A rearrangement, and the elements of its beats before and behind."""
CHAINS: dict[str, tuple[Shape, Sequence[Part]]] = {
    "transpositions": (
        (3, 2, 4),
        [(lambda a, p=p: a.transpose(p), 1, 1) for p in permutations(range(3)) if p != (0, 1, 2)],
    ),
    "slices, flips, pads of channels in pairs": (
        (6, 5, 6),
        [
            (_slice(slice(None), slice(4, 0, -1), slice(None)), 2, 2),
            (_slice(slice(1, None, 2), slice(None), slice(None)), 2, 2),
            (_padded((1, 2), (2, 0), (0, 0)), 2, 2),
            (_slice(slice(None, None, -1), slice(None), slice(2, None)), 2, 2),
            (_padded((0, 0), (0, 1), (2, 2)), 2, 2),
        ],
    ),
    "of whole pixels": (
        (2, 3, 12),
        [
            (_depth_to_space(2, crd=True), 12, 3),
            (_slice(slice(None), slice(None), slice(None, None, 2)), 3, 2),
            (_padded((1, 1), (2, 1), (0, 0), mode="reflect"), 2, 2),
            (_padded((0, 1), (1, 0), (1, 2)), 2, 5),
            (_padded((2, 0), (0, 2), (0, 0), mode="edge"), 5, 5),
        ],
    ),
    "blocks": (
        (4, 2, 2),
        [
            (_space_to_depth(2), 2, 2),
            (_shuffled(4), 8, 8),
            (_shuffled(2), 1, 1),
            (_depth_to_space(2, crd=False), 2, 2),
            (_upsampled(2), 2, 2),
            (_slice(slice(2, 5), slice(None, 1), slice(None)), 2, 2),
            (_upsampled(3), 2, 1),
            (_spread(2), 1, 1),
        ],
    ),
}


def _chain(shape: Shape, parts: Sequence[Part]) -> tuple[list[Rearrange], list[RearrangeConfig]]:
    ops, layers = [], []
    for n, (change, elements, results) in enumerate(parts):
        ops.append(_op(shape, change, fill=3 - n))
        layers.append(RearrangeConfig(Rearranging.of(ops[-1], _kind(shape), elements, results)))
        shape = ops[-1].shape
    return ops, layers


def _check(shape: Shape, ops: Sequence[Rearrange], layers: Sequence[RearrangeConfig], rng: Rng, folder: Path) -> None:
    frames = rng.integers(-(1 << BITS - 1), 1 << BITS - 1, (4, *shape))
    expected = frames
    for op in ops:
        expected = op.evaluate(expected)
    chain: list[LayerConfig] = list(layers[:1])
    for layer in layers[1:]:
        if not chain[-1].output.same_beats(layer.input):
            chain.append(GearboxConfig(chain[-1].output, layer.input))
        chain.append(layer)
    Design.of([Stage(f"part{n}", layer) for n, layer in enumerate(chain)], folder).check(frames, expected)


@pytest.mark.parametrize("case", CHAINS, ids=lambda name: name.replace(" ", "_"))
def test_bits_and_cycles(case: str, rng: Rng, tmp_path: Path) -> None:
    shape, parts = CHAINS[case]
    ops, layers = _chain(shape, parts)
    # a memory whose size is no power of two, too
    odd = [n for n, layer in enumerate(layers) if layer.shape.depth > 4]
    for n in odd[::2]:
        layers[n] = RearrangeConfig(replace(layers[n].shape, memory=layers[n].shape.capacity | 1))
    _check(shape, ops, layers, rng, tmp_path)


def test_nothing_of_the_rate_is_lost_and_one_word_less_loses() -> None:
    for shape, parts in CHAINS.values():
        for layer in _chain(shape, parts)[1]:
            r = layer.shape
            assert schedule([layer]).interval == r.cycles, r
            if r.capacity > 1 and not r.wiring:
                assert _interval(replace(r, memory=r.capacity - 1)) > r.cycles, r


def _interval(shape: Rearranging) -> float:
    """Infinite where a buffer is too small to go on at all."""
    try:
        return schedule([RearrangeConfig(shape)]).interval
    except (IndexError, ValueError):
        return float("inf")


def test_what_is_kept_is_what_is_needed_later() -> None:
    for shape, parts in CHAINS.values():
        for layer in _chain(shape, parts)[1]:
            r = layer.shape
            needed = np.where(r.free, r.source.beats + r.words.max() + 1, r.words)
            later = np.minimum.accumulate(needed[::-1])[::-1]
            assert (r.kept <= np.minimum(later, r.source.beats + later[0])).all()
            assert (np.diff(np.append(r.kept, r.source.beats + r.kept[0])) >= 0).all()


def test_a_slice_needs_no_buffer() -> None:
    shape = (64, 64, 8)
    for change in (_slice(slice(50, 60), slice(3, 61, 7)), _slice(slice(0, 5), slice(0, 64), slice(4, 8))):
        op = _op(shape, change)
        assert Rearranging.of(op, _kind(shape), 4, 4).depth <= 8


def test_channels_that_only_change_lanes_are_wires() -> None:
    shape = (3, 3, 12)
    layer = RearrangeConfig.of(_op(shape, _shuffled(3)), _kind(shape), 9)
    assert layer.shape.wiring
    assert layer.resources.lut == 0
    slow = RearrangeConfig.of(_op(shape, _shuffled(3)), _kind(shape), 108)
    assert (slow.input.elements, slow.output.elements) == (1, 1)


def test_beats_that_do_not_fit_are_refused() -> None:
    shape = (3, 3, 4)
    turned = _op(shape, lambda a: a.transpose(2, 0, 1))
    with pytest.raises(ValueError, match="their elements lie apart"):
        Rearranging.of(turned, _kind(shape), 2, 2)
    assert [r.target.elements for r in Rearranging.all_of(turned, _kind(shape))] == [1, 1, 1]


@dataclass(frozen=True)
class _Forgetful(Rearranging):
    """Lets words go a row too early."""

    @cached_property
    def levels(self) -> tuple[Level, Level, Level]:
        rows, columns, beats = super().levels
        return Level(rows.low + len(columns.low), rows.releases), columns, beats


def test_a_place_that_is_written_too_early_is_found(rng: Rng, tmp_path: Path) -> None:
    shape = (4, 3, 1)
    op = _op(shape, lambda a: a[::-1])
    whole = Rearranging.of(op, _kind(shape), 1, 1)
    broken = _Forgetful(**{f.name: getattr(whole, f.name) for f in fields(whole)})
    with pytest.raises(CheckFailed, match="frame"):
        _check(shape, [op], [RearrangeConfig(broken)], rng, tmp_path)
