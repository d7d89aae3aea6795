"""How a folding goes over the groups of a layer, which have sums of their own."""

from dataclasses import dataclass
from math import prod

from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import Task

__all__ = ["Grouping"]


@dataclass(frozen=True)
class Grouping:
    """What a step reads of each group, and how many groups at once.

    Dense layers and plain convolutions are one group, pools and depthwise convolutions as many as channels. A step
    takes a part of one group's channels, or several groups with all of theirs.

    Parameters
    ----------
    at_once : groups a step
    lanes : channels of each of them a step
    simd : values of each of them a step
    blocks : of a pixel's words, each with passes of its own
    """

    at_once: int
    lanes: int
    simd: int
    blocks: int

    @classmethod
    def of(cls, task: Task, f: Folding) -> "Grouping":
        """Raises `ValueError` where groups do not begin and end with words, or with passes."""
        if f.split > 1 and task.weights is None:
            raise ValueError("the values of a pool are not split")
        groups, depth = task.groups, task.depth
        outputs, taps = task.sums.shape[2] // groups, prod(f.parallel)
        if f.lanes > depth and groups > 1:
            at_once = f.lanes // depth
            if f.lanes % depth or f.pe != at_once * outputs:
                raise ValueError(
                    f"{f.lanes} lanes and {f.pe} output channels are not the same number of groups, each of {depth} "
                    f"and {outputs} channels"
                )
            if f.split > 1:
                raise ValueError("the values of several groups are not split")
            return cls(at_once, depth, depth * taps, -(-groups // at_once))
        if groups > 1 and (depth % f.lanes or outputs % f.pe):
            raise ValueError(
                f"{f.lanes} lanes and {f.pe} output channels must divide a group's {depth} and {outputs} channels, "
                "or be several groups"
            )
        return cls(1, f.lanes, -(-f.lanes * taps // f.split), groups)
