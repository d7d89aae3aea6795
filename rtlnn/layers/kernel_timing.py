"""The exact timing of a windowed kernel, as four processes."""

from itertools import product

from rtlnn.layers.results import PassShape
from rtlnn.layers.timing import Events, Link, Process
from rtlnn.layers.window import WindowConfig

__all__ = ["KernelTiming"]


class KernelTiming:
    """When a kernel takes its input, issues its steps, and delivers its results.

    Parameters
    ----------
    window, shape, slots : as in `KernelConfig`
    latency : cycles from the issue of a pass's last step to its first result on `o`
    i, o : the links at both ends
    """

    def __init__(self, window: WindowConfig, shape: PassShape, slots: int, latency: int, i: Link, o: Link) -> None:
        self._window, self._shape, self._slots, self._latency = window, shape, slots, latency
        self._i, self._o = i, o
        # one time for each row slot that may be written again, each complete pass, each pass that has left
        self._released, self._issued, self._left = Events(), Events(), Events()

    def processes(self) -> list[Process]:
        return [self._fill(), self._issue(), self._deliver()]

    def _fill(self) -> Process:
        """A row enters when the slot of the row `rows` before it is free."""
        c = self._window
        taken, ready, released = self._i.taken, self._i.ready.times, self._released
        words = c.row_beats
        row = word = 0
        after = -1
        while True:
            for _ in range(words):
                if word:
                    if len(taken.times) < word:
                        yield taken, word - 1
                    after = taken.times[word - 1]
                earliest = after + 1
                if row >= c.rows:
                    if len(released.times) <= row - c.rows:
                        yield released, row - c.rows
                    earliest = max(earliest, released.times[row - c.rows])
                ready.append(earliest)
                word += 1
            row += 1

    def _needed(self, row: int, column: int) -> list[int]:
        """The beat of the frame that each step of the tile's first pass waits for; -1 for padding alone."""
        c, w = self._window, self._window.window
        top, left = row * c.hop[0] - c.window.pads[0], column * c.hop[1] - c.window.pads[1]
        taps = [range(0, k * d, p * d) for k, d, p in zip(w.kernel, w.dilation, c.parallel, strict=True)]
        kernel = list(product(*taps))
        result = []
        for y, x in product(*(range(0, n * s, s) for n, s in zip(c.tile.serial, c.window.stride, strict=True))):
            for ky, kx in kernel:
                last = [top + y + ky, left + x + kx]
                outside = any(
                    a + n <= 0 or a >= size for a, n, size in zip(last, c.rectangle, (c.height, c.width), strict=True)
                )
                y_end, x_end = (
                    min(a + n, size) - 1 for a, n, size in zip(last, c.rectangle, (c.height, c.width), strict=True)
                )
                base = y_end * c.row_beats + x_end // c.pixels * c.groups
                result += [-1 if outside else base + g for g in range(c.pass_words) for _ in range(c.split)]
        return result

    def _issue(self) -> Process:
        """A pass needs a credit; a step is issued the cycle after its word came."""
        c = self._window
        taken, left = self._i.taken, self._left
        issued, released = self._issued.times, self._released.times
        oh, ow = c.output_size
        base, t, number = 0, -1, 0
        while True:
            for row in range(oh):
                for column in range(ow):
                    needed = self._needed(row, column)
                    for n in range(c.passes):
                        t += 1
                        if number >= self._slots:
                            if len(left.times) <= number - self._slots:
                                yield left, number - self._slots
                            t = max(t, left.times[number - self._slots] + 2)
                        # even if it is padding, a frame's first step waits for the frame's first word
                        words = needed if row or column or n else [max(needed[0], 0), *needed[1:]]
                        offset, latest = base + n // c.channel_passes * c.pass_words, max(words)
                        if latest >= 0 and len(taken.times) <= offset + latest:
                            yield taken, offset + latest
                        t = self._last_step(t, words, latest, offset)
                        issued.append(t)
                        number += 1
                done = self._low(row + 1) if row + 1 < oh else c.height
                released += [t + 2] * (done - self._low(row))
            base += c.height * c.row_beats

    def _last_step(self, t: int, words: list[int], latest: int, offset: int) -> int:
        """When a pass's last step is issued, if its first one can be at `t`; all words, the last is `latest`, came."""
        times = self._i.taken.times
        if latest < 0 or times[offset + latest] < t:
            return t + len(words) - 1
        t -= 1
        for word in words:
            t += 1
            if word >= 0:
                t = max(t, times[offset + word] + 1)
        return t

    def _low(self, row: int) -> int:
        """The first row of the image that output row `row` still needs."""
        c = self._window
        return min(max(row * c.hop[0] - c.window.pads[0], 0), c.height)

    def _deliver(self) -> Process:
        """A pass's results are offered one after the other; the last one that leaves returns the credit."""
        s = self._shape
        issued, taken, offered, left = self._issued, self._o.taken, self._o.offered.times, self._left.times
        number = beat = 0
        while True:
            for n in range(s.passes):
                if len(issued.times) <= number:
                    yield issued, number
                start = issued.times[number] + self._latency
                for k in range(s.groups if n + 1 < s.passes else s.last_groups):
                    after = -1
                    if beat:
                        if len(taken.times) < beat:
                            yield taken, beat - 1
                        after = taken.times[beat - 1]
                    offered.append(max(start + k * s.spacing, after + 1))
                    beat += 1
                if len(taken.times) < beat:
                    yield taken, beat - 1
                left.append(taken.times[beat - 1])
                number += 1
