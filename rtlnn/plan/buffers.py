"""The sizes of line buffers: the smallest ones with which the whole design loses nothing."""

from collections.abc import Callable, Sequence
from functools import cache

from rtlnn.ir.types import Array
from rtlnn.layers.circuit import Tap
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.timing import Events, Link
from rtlnn.layers.window import min_rows
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.option import Option
from rtlnn.plan.schedule import Schedule, Trace, schedule
from rtlnn.plan.thrift import least_choices, trials_for
from rtlnn.plan.times import solve

__all__ = ["settle_rows"]


def settle_rows(
    options: Sequence[Option], trace: Trace, timing: Callable[[Sequence[Option]], Schedule]
) -> list[Option]:
    """Shrink the line buffers that the foldings leave open, as long as neither interval nor latency grows.

    `timing` schedules the layers exactly, and `trace` is what `options` do. A smaller buffer is tried only where it
    saves memory. Nor may the layer alone become slower than all are together: queues before it would hide that for
    longer than is scheduled.

    First all layers are tried at once, each with the buffer that is enough where its neighbours do what they did with
    large ones. In a large network, of which schedules take long, some that could be smaller may then stay as they are.
    """
    best = trace.schedule()
    alone = cache(lambda kernel: schedule([kernel]).interval)  # many layers are alike
    choices = [[*_smaller(option, best.interval, alone), option] for option in options]
    guesses = [_guess(c, trace) if len(c) > 1 else 0 for c in choices]
    return least_choices(choices, lambda c: timing(c).keeps(best), guesses, trials_for(trace.circuit))


def _smaller(option: Option, interval: int, alone: Callable[[KernelConfig], int]) -> list[Option]:
    """The same with smaller line buffers that save memory and alone are fast enough, the smallest first."""
    if not isinstance(option, Candidate) or option.folding.rows is not None:
        return []
    window, memory = option.window, _memory(option)
    found: list[Option] = []
    for rows in range(min_rows(window.window, window.parallel, window.tile), window.rows, window.banks[0]):
        smaller = option.with_rows(rows)
        if _memory(smaller) >= memory:
            break
        # a larger one is as fast as a smaller one, at least
        if found or alone(smaller.kernel) <= interval:
            found.append(smaller)
    return found


def _guess(choices: Sequence[Option], trace: Trace) -> int:
    """The first choice with which the layer's frames end as the last one's did, its neighbours doing what they did."""
    layer = choices[-1].layer
    (n,) = (n for n, stage in enumerate(trace.circuit.stages) if stage.layer is layer)
    came, left = trace.times[trace.circuit.sources[n][0]], trace.times[Tap(n)]
    ends = slice(layer.outputs[0].beats - 1, None, layer.outputs[0].beats)
    for number, choice in enumerate(choices[:-1]):
        assert isinstance(choice, Candidate)
        found = _between(choice.kernel, came, left, trace.frames)
        if len(found) == len(left) and (found[ends] <= left[ends]).all():
            return number
    return len(choices) - 1


def _between(kernel: KernelConfig, came: Array, left: Array, frames: int) -> Array:
    """When beats leave a layer of which the input comes, and the output can leave, at these times at the earliest."""
    i, o = Link(kernel.input), Link(kernel.output)
    neighbours = Events.at(came), Events.at(left)
    i.taken.after(neighbours[0], 0)
    o.taken.after(neighbours[1], 0)
    solve([neighbours[0], i.taken, *kernel.waits(i, o), neighbours[1], o.taken], frames)
    return o.times


def _memory(kernel: Candidate) -> tuple[float, int]:
    cost = kernel.window.resources
    return cost.bram36, cost.lut
