"""The timing of whatever holds beats: queues, forks, joins."""

from collections.abc import Sequence

from rtlnn.layers.timing import Link

__all__ = ["buffered"]


def buffered(i: Sequence[Link], o: Sequence[Link], capacity: int, latency: int = 1) -> None:
    """Beats enter from all of `i` at once, and go to each of `o` by themselves.

    A beat can leave `latency` cycles after it came; there is room for `capacity` of them, and that of a beat is free
    the cycle after it has left everywhere.
    """
    for other in i[1:]:
        i[0].join(other)
    for link in o:
        i[0].taken.after(link.taken, 1, behind=capacity)
        link.taken.after(i[0].taken, latency)
