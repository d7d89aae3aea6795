"""The timing of whatever holds beats: queues, forks, joins."""

from collections.abc import Sequence

from rtlnn.layers.timing import Link, Process

__all__ = ["buffered"]


def buffered(i: Sequence[Link], o: Sequence[Link], capacity: int, latency: int = 1) -> list[Process]:
    """Beats enter from all of `i` at once, and go to each of `o` by themselves.

    A beat can leave `latency` cycles after it came; there is room for `capacity` of them, and that of a beat is free
    the cycle after it has left everywhere.
    """
    return [_fill(i, o, capacity), *(_drain(i[0], link, latency) for link in o)]


def _fill(i: Sequence[Link], o: Sequence[Link], capacity: int) -> Process:
    first = i[0].taken
    j = 0
    while True:
        after = -1
        if j:
            if len(first.times) < j:
                yield first, j - 1
            after = first.times[j - 1]
        if j >= capacity:
            for link in o:
                if len(link.taken.times) <= j - capacity:
                    yield link.taken, j - capacity
                after = max(after, link.taken.times[j - capacity])
        if len(i) == 1:
            i[0].ready.times.append(after + 1)
        else:
            time = after + 1
            for link in i:
                if len(link.offered.times) <= j:
                    yield link.offered, j
                time = max(time, link.offered.times[j])
            for link in i:
                link.ready.times.append(time)
        j += 1


def _drain(i: Link, o: Link, latency: int) -> Process:
    j = 0
    while True:
        if len(i.taken.times) <= j:
            yield i.taken, j
        if j and len(o.taken.times) < j:
            yield o.taken, j - 1
        o.offered.times.append(max(i.taken.times[j] + latency, o.taken.times[j - 1] + 1 if j else 0))
        j += 1
