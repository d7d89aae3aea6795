"""The sizes of line buffers: the smallest ones with which the whole design loses nothing."""

from collections.abc import Callable, Sequence

from rtlnn.layers.window import min_rows
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.option import Option
from rtlnn.plan.schedule import Schedule, schedule

__all__ = ["settle_rows"]


def settle_rows(options: Sequence[Option], timing: Callable[[Sequence[Option]], Schedule]) -> list[Option]:
    """Shrink the line buffers that the foldings leave open, as long as neither interval nor latency grows.

    `timing` schedules the layers exactly. A smaller buffer is tried only where it saves memory. Nor may the layer alone
    become slower than all are together: queues before it would hide that for longer than is scheduled.
    """
    settled = list(options)
    best = timing(settled)
    for n, kernel in enumerate(options):
        if not isinstance(kernel, Candidate) or kernel.folding.rows is not None:
            continue
        window = kernel.window
        least = min_rows(window.window, window.parallel, window.tile)
        for rows in range(least, window.rows, window.banks[0]):
            smaller = kernel.with_rows(rows)
            if _memory(smaller) >= _memory(kernel):
                break
            trial = [*settled[:n], smaller, *settled[n + 1 :]]
            result = timing(trial)
            if not result.complete or result.interval > best.interval or result.latency > best.latency:
                continue
            if schedule([smaller.kernel]).interval <= best.interval:
                settled = trial
                break
    return settled


def _memory(kernel: Candidate) -> tuple[float, int]:
    cost = kernel.window.resources
    return cost.bram36, cost.lut
