"""What a circuit of stages promises, each promise broken once."""

from dataclasses import replace

import pytest

from rtlnn.layers.circuit import DESIGN, Circuit, Stage, Tap
from rtlnn.layers.concat import ConcatConfig, SideBySideConfig
from rtlnn.layers.fifo import FifoConfig, SkidConfig
from rtlnn.layers.fork import ForkConfig
from rtlnn.layers.stream import StreamFormat

FORMAT = StreamFormat(2, 4, False, 4, 3)
BOTH = StreamFormat(2, 4, False, 8, 3)
GOOD = Circuit(
    (FORMAT,),
    (
        Stage("fork", ForkConfig(FORMAT, 2)),
        Stage("queue", FifoConfig(FORMAT, 4)),
        Stage("concat", ConcatConfig((FORMAT, FORMAT), (2, 2), BOTH)),
    ),
    ((Tap(DESIGN),), (Tap(0, 1),), (Tap(0, 0), Tap(1))),
    (Tap(2),),
)


def test_a_good_one() -> None:
    GOOD.verify()
    assert list(GOOD.taps) == [Tap(DESIGN), Tap(0, 0), Tap(0, 1), Tap(1), Tap(2)]
    assert GOOD.output_formats == (BOTH,)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"sources": ((Tap(DESIGN),), (Tap(0, 1),), (Tap(0, 0), Tap(0, 1)))}, ValueError, "fork cannot feed concat"),
        ({"sources": ((Tap(DESIGN),), (Tap(2),), (Tap(0, 0), Tap(1)))}, ValueError, "concat cannot feed queue"),
        ({"outputs": (Tap(2), Tap(2))}, ValueError, "without a user"),
        ({"stages": (GOOD.stages[0], Stage("fork", SkidConfig(FORMAT)), GOOD.stages[2])}, ValueError, "same name"),
        ({"inputs": (replace(FORMAT, signed=True),)}, TypeError, "input 0 delivers .* fork takes"),
    ],
)
def test_broken_ones(changed: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        replace(GOOD, **changed).verify()  # type: ignore[arg-type]


def test_what_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="at least two branches"):
        ForkConfig(FORMAT, 1)
    with pytest.raises(ValueError, match="do not have the lanes"):
        ConcatConfig((FORMAT, replace(FORMAT, elements=1)), (2, 4), BOTH)
    with pytest.raises(ValueError, match="not made of turns"):
        ConcatConfig((FORMAT, FORMAT), (2, 3), BOTH)
    with pytest.raises(ValueError, match="no whole pixels"):
        SideBySideConfig((FORMAT, FORMAT))
