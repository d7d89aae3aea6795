"""One instance of a compiled design and the buffers of its runs (see harness.py)."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import CheckFailed
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim import harness_abi as abi
from rtlnn.sim.packing import beat_words, lane_masks, pack, unpack
from rtlnn.sim.stream_run import Deadlock, FrameFault, Stalls, StreamRun

__all__ = ["Beats", "Session", "Stream"]

MEMORY_PLACEHOLDER = "/rtlnn-memory-files/"  # replaced by the harness when the design opens a file


@dataclass(frozen=True)
class Beats:
    """What the source sends: words [beats, words a beat] and `tlast` [beats]."""

    words: NDArray[np.uint32]
    last: NDArray[np.uint8]

    @classmethod
    def of(
        cls,
        fmt: StreamFormat,
        frames: NDArray[np.integer],
        faults: Sequence[FrameFault],
        rng: np.random.Generator,
    ) -> "Beats":
        """The beats of `frames`, where a faulty frame is cut, or repeated from its start until it is long enough."""
        words = pack(fmt, frames, rng).reshape(len(frames), fmt.beats, -1)
        wrong = {fault.frame: fault.beats for fault in faults}
        if not wrong:
            last = np.zeros((len(frames), fmt.beats), np.uint8)
            last[:, -1] = 1
            return cls(words.reshape(-1, words.shape[-1]), last.reshape(-1))
        sent = [np.resize(frame, (wrong.get(i, fmt.beats), frame.shape[1])) for i, frame in enumerate(words)]
        ends = np.cumsum([len(frame) for frame in sent]) - 1
        last = np.zeros(ends[-1] + 1, np.uint8)
        last[ends] = 1
        return cls(np.concatenate(sent), last)


@dataclass(frozen=True)
class Session:
    """One instance of the design, of library `dll`, with its streams' formats."""

    dll: ctypes.CDLL
    handle: int
    mem_dir: Path
    input: StreamFormat
    output: StreamFormat

    @classmethod
    @contextmanager
    def open(cls, library: Path, mem_dir: Path, input: StreamFormat, output: StreamFormat) -> Iterator["Session"]:
        """Make an instance that reads its memory files in `mem_dir`; raises `CheckFailed` if they are not as needed."""
        dll = abi.load(library)
        session = cls(dll, dll.harness_open(f"{mem_dir}/".encode()), mem_dir, input, output)
        try:
            if session.message():
                raise CheckFailed(session.message())
            yield session
        finally:
            dll.harness_close(session.handle)

    def reset(self, cycles: int, seed: int) -> None:
        """Hold reset, with garbage at the inputs. Raises `CheckFailed` if the output's `tvalid` stays high."""
        if self.dll.harness_reset(self.handle, cycles, seed) == abi.Status.FAILED:
            raise CheckFailed(self.message())

    def load(self, words: NDArray[np.uint64], quiet_limit: int) -> None:
        """Send `words` to the port of the weights. Raises `Deadlock` if they are not taken."""
        status = abi.Status(self.dll.harness_load(self.handle, _pointer(words), len(words), quiet_limit))
        if status is abi.Status.FAILED:
            raise CheckFailed(self.message())
        if status is abi.Status.DEADLOCK:
            raise Deadlock(f"deadlock: no weights taken for {quiet_limit} cycles")

    def offer(self, words: NDArray[np.uint64]) -> None:
        """The same while the streams run; `words` must outlive them."""
        self.dll.harness_offer(self.handle, _pointer(words), len(words))

    def message(self) -> str:
        """Why the design stopped; empty if it did not."""
        text: str = self.dll.harness_message(self.handle).decode(errors="replace")
        return text.replace(MEMORY_PLACEHOLDER, f"{self.mem_dir}/")


class Stream:
    """One run: its buffers, kept alive while C++ writes to them.

    Parameters
    ----------
    frames : frames expected to come out
    """

    def __init__(
        self, session: Session, beats: Beats, frames: int, source: Stalls, sink: Stalls, quiet_limit: int, drain: int
    ) -> None:
        self.session = session
        self.beats = beats
        fmt = session.output
        self.out_words = np.zeros((frames * fmt.beats, beat_words(fmt)), np.uint32)
        self.masks = lane_masks(fmt)
        self.offered, self.accepted = (np.full(len(beats.words), -1, np.int64) for _ in range(2))
        self.delivered = np.full(frames * fmt.beats, -1, np.int64)
        self.c = abi.CStream(
            in_words=_pointer(beats.words),
            in_last=_pointer(beats.last),
            in_beats=len(beats.words),
            out_words=_pointer(self.out_words),
            out_beats=len(self.delivered),
            out_frame_beats=fmt.beats,
            out_pixel_beats=fmt.beats_per_pixel,
            out_masks=_pointer(self.masks),
            offered_cycle=_pointer(self.offered),
            in_cycle=_pointer(self.accepted),
            out_cycle=_pointer(self.delivered),
            source=abi.CStalls(source.probability, source.burst, source.mode, 0),
            sink=abi.CStalls(sink.probability, sink.burst, sink.mode, 0),
            quiet_limit=quiet_limit,
            drain=drain,
            error_cycle=-1,
        )

    @property
    def cycle(self) -> int:
        return int(self.c.cycle)

    @property
    def frames_out(self) -> int:
        return int(self.c.out_done) // self.session.output.beats

    def advance(self, cycles: int) -> abi.Status:
        """Run for at most `cycles`. Raises `Deadlock`, or `CheckFailed` if the design itself stops the simulation."""
        status = abi.Status(self.session.dll.harness_run(self.session.handle, ctypes.byref(self.c), cycles))
        if status is abi.Status.FAILED:
            raise CheckFailed(f"the simulation stopped: {self.session.message()}; {self.where()}")
        if status is abi.Status.DEADLOCK:
            raise Deadlock(f"deadlock: no handshake for {self.c.quiet} cycles; {self.where()}")
        return status

    def where(self) -> str:
        """How far the run has come, for messages."""
        core = self.session
        sides = (
            ("in", self.c.in_done, len(self.beats.words), core.input.beats),
            ("out", self.c.out_done, len(self.delivered), core.output.beats),
        )
        told = [
            f"{done} of {total} beats {side} (frame {done // n}, beat {done % n})" for side, done, total, n in sides
        ]
        return f"cycle {self.c.cycle}: {', '.join(told)}"

    def result(self, seconds: float) -> StreamRun:
        """The measurements, cycles relative to the first input handshake."""
        core, c = self.session, self.c
        start = int(self.accepted[0]) if len(self.accepted) else 0
        cycle, beat = "at cycle", "at output beat"
        told = (
            (c.dropped, f"tvalid dropped without a handshake, first {cycle} {c.first_dropped - start}"),
            (c.changed, f"a held beat changed, first {cycle} {c.first_changed - start}"),
            (c.last_missing, f"tlast missing at the end of a frame, first {beat} {c.first_last_missing}"),
            (c.last_extra, f"tlast inside a frame, first {beat} {c.first_last_extra}"),
            (c.excess, f"output beats in excess, first {cycle} {c.first_excess - start}"),
        )
        return StreamRun(
            outputs=unpack(core.output, self.out_words),
            offered_cycles=self.offered - start,
            input_cycles=self.accepted - start,
            output_cycles=self.delivered - start,
            input_frame_beats=core.input.beats,
            output_frame_beats=core.output.beats,
            frame_error_cycle=None if c.error_cycle < 0 else c.error_cycle - start,
            violations=tuple(f"{text} ({count} times)" for count, text in told if count),
            cycles=int(c.cycle),
            seconds=seconds,
        )


def _pointer(array: NDArray[Any]) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(np.ctypeslib.as_ctypes_type(array.dtype)))
