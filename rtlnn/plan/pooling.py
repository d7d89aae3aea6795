"""The pooling array of a layer without weights."""

from math import prod

from rtlnn.layers.pool import PoolConfig, PoolFunction
from rtlnn.ops import AveragePool2D
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import Task

__all__ = ["pool_array"]


def pool_array(task: Task, folding: Folding) -> PoolConfig:
    """The array that pools, or passes on what is only requantized: the maximum of one value."""
    taps, positions, x = prod(folding.parallel), prod(folding.positions), task.input.fixed
    op = task.node.op
    if not isinstance(op, AveragePool2D):
        maximum = PoolFunction.MAXIMUM
        return PoolConfig(maximum, folding.lanes, taps, x.bits, x.signed, x.bits, positions=positions)
    factors, _ = op.factors(task.input.shape[:2])
    table = () if (factors == 1).all() else tuple(tuple(int(f) for f in row) for row in factors)
    start = -task.x_zero * prod(op.window.kernel)
    bits = task.sums.fixed.bits
    return PoolConfig(PoolFunction.SUM, folding.lanes, taps, x.bits, x.signed, bits, start, table, positions)
