"""Width converters: any beats into any others."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.layers.gearbox import GearboxConfig
from rtlnn.layers.narrower import NarrowerShape
from rtlnn.layers.regrouping import Regrouping
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.widener import WidenerShape
from rtlnn.plan.schedule import schedule
from tests.hardware import Design

BITS = 5

# (elements a beat, channels, pixels) of successive streams
SHAPES = {
    "192 elements": [
        (1, 64, 3), (64, 64, 3), (3, 64, 3), (1, 1, 192), (5, 12, 16), (7, 64, 3), (2, 3, 64), (12, 12, 16), (3, 192, 1)
    ],
    "315 elements": [
        (4, 7, 45), (7, 9, 35), (2, 5, 63), (11, 63, 5), (63, 63, 5), (1, 3, 105), (13, 15, 21), (4, 5, 63)
    ],
    "one element": [(1, 1, 1), (1, 1, 1)],
}  # fmt: skip


def _formats(shapes: list[tuple[int, int, int]]) -> list[StreamFormat]:
    return [StreamFormat(p, BITS, True, c, n) for p, c, n in shapes]


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=[name.replace(" ", "_") for name in SHAPES])
def test_bits_and_cycles(shapes: list[tuple[int, int, int]], rng: np.random.Generator, tmp_path: Path) -> None:
    """Each chain holds as many converters as fit one build; every one is held up by its neighbours."""
    formats = _formats(shapes)
    stages = [Stage(f"gearbox{n}", GearboxConfig(a, b)) for n, (a, b) in enumerate(pairwise(formats))]
    first, last = formats[0], formats[-1]
    frames = rng.integers(-16, 16, (5, first.pixels, first.channels))
    Design.of(stages, tmp_path).check(frames, frames.reshape(5, last.pixels, last.channels))


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=[name.replace(" ", "_") for name in SHAPES])
def test_the_side_with_more_beats_sets_the_pace(shapes: list[tuple[int, int, int]]) -> None:
    formats = _formats(shapes)
    for a in formats:
        for b in formats:
            found = schedule([GearboxConfig(a, b)])
            assert found.interval == max(a.beats, b.beats)


@pytest.mark.parametrize(
    ("a", "b", "shape"),
    [
        ((1, 64, 3), (64, 64, 3), WidenerShape),
        ((4, 9, 2), (8, 9, 2), WidenerShape),
        ((5, 5, 4), (10, 10, 2), WidenerShape),
        ((64, 64, 3), (3, 64, 3), NarrowerShape),
        ((9, 9, 2), (4, 9, 2), NarrowerShape),
        ((6, 16, 2), (4, 16, 2), Regrouping),
        # the short last beat of a pixel lies in the middle of a beat
        ((4, 6, 4), (12, 12, 2), Regrouping),
    ],
)
def test_whole_beats_in_beats(a: tuple[int, int, int], b: tuple[int, int, int], shape: type) -> None:
    assert type(GearboxConfig(*_formats([a, b])).shape) is shape


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"bits": 6}, "keeps the elements' type"), ({"pixels": 5}, "keeps the elements of a frame")],
)
def test_what_it_cannot_convert(changed: dict[str, int], message: str) -> None:
    values = {"elements": 1, "bits": BITS, "signed": True, "channels": 2, "pixels": 4}
    with pytest.raises(ValueError, match=message):
        GearboxConfig(StreamFormat(**values), StreamFormat(**{**values, **changed}))  # type: ignore[arg-type]
