"""Sums, products and extremes of two values as hardware."""

from collections.abc import Sequence

import numpy as np

from rtlnn.ir.types import Array, TensorType
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.join import JoinConfig
from rtlnn.layers.join_parts import JoinFunction, JoinParts
from rtlnn.layers.requantizer import RequantizeConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.ops import Add, Extreme, Multiply
from rtlnn.plan.finishing import Finish, finishing
from rtlnn.plan.simple_kind import Built, useful_lanes
from rtlnn.plan.tasks import Task

__all__ = ["JoinKind"]


class JoinKind:
    """Add, Multiply and Extreme (see `SimpleKind`)."""

    def lanes(self, task: Task) -> Sequence[int]:
        return useful_lanes(task.output.shape[2])

    def build(self, task: Task, lanes: int, arithmetic: Arithmetic) -> Built:
        factors = _factors(task)
        parts = _parts(task, factors, arithmetic)
        finish = finishing(task, lanes, parts.acc_bits, 0, arithmetic) if task.requantize else None
        a, b = (_format(kind, lanes) for kind in task.inputs)
        uniform = None
        if factors is not None and (factors == factors[:, :1]).all():
            uniform = int(factors[0, 0]), int(factors[1, 0])
        config = finish.config if finish else None
        assert config is None or isinstance(config, RequantizeConfig)
        constant = finish.constant if finish else None
        join = JoinConfig(a, b, parts, task.sums.fixed.signed, config, uniform, constant)
        return Built(join, lambda: _contents(join, factors, finish))


def _format(kind: TensorType, lanes: int) -> StreamFormat:
    h, w, c = kind.shape
    return StreamFormat(lanes, kind.fixed.bits, kind.fixed.signed, c, h * w)


def _factors(task: Task) -> Array | None:
    """The multipliers of a weighted sum, [2, C]; None where both are 1."""
    values = [task.constants[v] for v in task.node.inputs[2:]]
    if not values or all((v == 1).all() for v in values):
        return None
    return np.stack([v.astype(np.int64) for v in values])


def _parts(task: Task, factors: Array | None, arithmetic: Arithmetic) -> JoinParts:
    match task.node.op:
        case Add(zeros):
            function = JoinFunction.ADD
        case Multiply(zeros):
            function = JoinFunction.MULTIPLY
        case Extreme(largest):
            zeros = (0, 0)
            function = JoinFunction.MAXIMUM if largest else JoinFunction.MINIMUM
        case op:
            raise TypeError(f"{task.name}: {type(op).__name__} joins no two values")
    a, b = (kind.fixed for kind in task.inputs)
    factor_bits = (0, 0) if factors is None else (_signed_bits(factors[0]), _signed_bits(factors[1]))
    bits, signs = (a.bits, b.bits), (a.signed, b.signed)
    return JoinParts(function, bits, signs, zeros, factor_bits, task.sums.fixed.bits, arithmetic)


def _signed_bits(values: Array) -> int:
    return int(np.maximum(values, ~values).max()).bit_length() + 1


def _contents(join: JoinConfig, factors: Array | None, finish: Finish | None) -> dict[str, list[int]]:
    result = {}
    if join.looks_up_factors:
        assert factors is not None
        low, high = join.parts.factor_bits
        words = [(int(a) & (1 << low) - 1) | (int(b) & (1 << high) - 1) << low for a, b in factors.T]
        result["factor"] = _rows(words, join.lanes, low + high)
    if finish is not None and join.looks_up_parameters:
        assert join.finish is not None
        result["parameter"] = _rows(finish.words(), join.lanes, join.finish.parameter_bits)
    return result


def _rows(words: list[int], lanes: int, bits: int) -> list[int]:
    """Words of so many lanes; those past the last channel are 0."""
    rows = (words[n : n + lanes] for n in range(0, len(words), lanes))
    return [sum(word << (lane * bits) for lane, word in enumerate(row)) for row in rows]
