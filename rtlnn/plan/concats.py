"""Concatenations as hardware."""

from collections.abc import Sequence
from math import gcd

from rtlnn.ir.types import TensorType
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.concat import ConcatConfig, SideBySideConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.ops import Concat
from rtlnn.plan.simple_kind import Built, useful_lanes
from rtlnn.plan.tasks import Task

__all__ = ["ConcatKind"]


class ConcatKind:
    """Concat (see `SimpleKind`).

    Along the channels the inputs take turns in each pixel, a number of lanes that divides the channels of all but the
    last one; or all of a pixel's channels come at once. Along rows and columns any number of lanes will do.
    """

    def lanes(self, task: Task) -> Sequence[int]:
        channels = [kind.shape[2] for kind in task.inputs]
        if _axis(task) < 2:
            return useful_lanes(channels[0])
        common = gcd(*channels[:-1])
        # the last pixel's end may be in mid-beat: no other input follows
        return [*(n for n in range(1, min(common, channels[-1]) + 1) if common % n == 0), sum(channels)]

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        axis = _axis(task)
        result = _format(task.output, lanes)
        if axis == 2 and lanes == task.output.shape[2]:
            return Built(SideBySideConfig(tuple(_format(kind, kind.shape[2]) for kind in task.inputs)))
        sources = tuple(_format(kind, lanes) for kind in task.inputs)
        rounds = (1, task.output.shape[0], task.output.shape[0] * task.output.shape[1])[axis]
        return Built(ConcatConfig(sources, tuple(fmt.beats // rounds for fmt in sources), result))


def _axis(task: Task) -> int:
    assert isinstance(task.node.op, Concat)
    return task.node.op.axis


def _format(kind: TensorType, lanes: int) -> StreamFormat:
    h, w, c = kind.shape
    return StreamFormat(lanes, kind.fixed.bits, kind.fixed.signed, c, h * w)
