"""The two ends of streams in the cocotb bench of a core: they drive and check them, cycle by cycle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Bus", "Sink", "Source"]


class Bus:
    """The four signals of a stream."""

    def __init__(self, dut: Any, name: str) -> None:
        self.name = name
        self.tdata, self.tvalid, self.tready, self.tlast = (
            getattr(dut, f"{name}_{signal}") for signal in ("tdata", "tvalid", "tready", "tlast")
        )


@dataclass
class Source:
    """An input: its signals, what to send, and the cycle in which each beat was taken."""

    bus: Bus
    beats: Sequence[int]
    frame_beats: int
    taken: list[int] = field(default_factory=list)
    offering: bool = False

    @property
    def done(self) -> bool:
        return len(self.taken) == len(self.beats)

    def offer(self, pauses: Callable[[], bool]) -> None:
        """The next beat, unless one waits or there is a pause."""
        if self.offering or self.done or pauses():
            return
        index, self.offering = len(self.taken), True
        self.bus.tdata.value = self.beats[index]
        self.bus.tlast.value = (index + 1) % self.frame_beats == 0
        self.bus.tvalid.value = 1

    def take(self, cycle: int) -> bool:
        """Whether the beat is handed over in this cycle."""
        if not self.offering or self.bus.tready.value != 1:
            return False
        self.taken.append(cycle)
        self.offering = False
        # lowered before the next edge, unless the next beat follows at once
        self.bus.tvalid.value = 0
        return True


@dataclass
class Sink:
    """An output: its signals, what to expect, what came in which cycle."""

    bus: Bus
    expected: Sequence[int]
    frame_beats: int
    taken: list[int] = field(default_factory=list)
    came: list[int] = field(default_factory=list)
    ready: int = -1
    held: tuple[int, int] | None = None

    @property
    def done(self) -> bool:
        return len(self.taken) == len(self.expected)

    def answer(self, pauses: Callable[[], bool]) -> None:
        ready = int(not pauses())
        if ready != self.ready:
            self.bus.tready.value = self.ready = ready

    def take(self, cycle: int) -> bool:
        """Check the contract; whether a beat is handed over in this cycle."""
        if self.bus.tvalid.value != 1:
            assert self.held is None, f"cycle {cycle}: {self.bus.name}_tvalid dropped without a handshake"
            return False
        beat = int(self.bus.tdata.value), int(self.bus.tlast.value)
        assert self.held in (None, beat), f"cycle {cycle}: a held beat changed"
        self.held = None if self.ready else beat
        if self.ready:
            self._check_place(len(self.taken), beat[1])
            self.taken.append(cycle)
            self.came.append(beat[0])
        return bool(self.ready)

    def _check_place(self, index: int, last: int) -> None:
        assert index < len(self.expected), "an output beat in excess"
        frame, place = divmod(index, self.frame_beats)
        assert last == (place + 1 == self.frame_beats), f"frame {frame}, beat {place}: tlast is {last}"

    def check_values(self) -> None:
        """Every bit of what came out is as expected."""
        for index, (got, want) in enumerate(zip(self.came, self.expected, strict=False)):
            if got != want:
                frame, place = divmod(index, self.frame_beats)
                raise AssertionError(f"frame {frame}, beat {place}: got {got:#x}, expected {want:#x}")
