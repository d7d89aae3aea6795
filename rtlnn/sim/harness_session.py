"""One instance of a compiled design and the buffers of its runs (see harness.py)."""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.weights import load_stream
from rtlnn.errors import CheckFailed
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim import harness_abi as abi
from rtlnn.sim.packing import beat_words, lane_masks, pack, unpack
from rtlnn.sim.stream_run import Deadlock, FrameFault, SinkRun, SourceRun, Stalls, StreamRun, WeightSource

__all__ = ["Beats", "Session", "Stream"]

MEMORY_PLACEHOLDER = "/rtlnn-memory-files/"  # replaced by the harness when the design opens a file


@dataclass(frozen=True)
class Beats:
    """What the source sends: words [beats, words a beat] and `tlast` [beats], so many `times`."""

    words: NDArray[np.uint32]
    last: NDArray[np.uint8]
    times: int = 1
    weights: WeightSource | None = None

    @property
    def count(self) -> int:
        return len(self.words) * self.times

    @classmethod
    def of_weights(cls, source: WeightSource, folder: Path, frames: int) -> "Beats":
        """Those of a stream of weights, for so many frames. Raises `InputError` if there is no such file."""
        data = load_stream(folder / source.file, source.format.beats)
        words = np.zeros((len(data), 4 * beat_words(source.format)), np.uint8)
        words[:, : data.shape[1]] = data
        last = np.zeros(len(words), np.uint8)
        last[-1] = 1
        return cls(words.view(np.uint32), last, -(-frames // source.batch), source)

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
    inputs: tuple[StreamFormat, ...]
    outputs: tuple[StreamFormat, ...]

    @classmethod
    @contextmanager
    def open(
        cls, library: Path, mem_dir: Path, inputs: tuple[StreamFormat, ...], outputs: tuple[StreamFormat, ...]
    ) -> Iterator["Session"]:
        """Make an instance that reads its memory files in `mem_dir`; raises `CheckFailed` if they are not as needed."""
        dll = abi.load(library)
        session = cls(dll, dll.harness_open(f"{mem_dir}/".encode()), mem_dir, inputs, outputs)
        try:
            if session.message():
                raise CheckFailed(session.message())
            yield session
        finally:
            dll.harness_close(session.handle)

    def reset(self, cycles: int, seed: int) -> None:
        """Hold reset, with garbage at the inputs. Raises `CheckFailed` if an output's `tvalid` stays high."""
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


class _Source:
    """An input's buffers, kept alive while C++ reads and writes them."""

    def __init__(self, fmt: StreamFormat, beats: Beats, stalls: Stalls) -> None:
        self.format, self.beats = fmt, beats
        self.offered, self.taken = (np.full(beats.count, -1, np.int64) for _ in range(2))
        pace = beats.weights.pace if beats.weights else (0, 0)
        self.c = abi.CSource(
            words=_pointer(beats.words),
            last=_pointer(beats.last),
            beats=beats.count,
            repeat=max(len(beats.words), 1),
            pace_beats=pace[0],
            pace_cycles=pace[1],
            follows=beats.weights is not None,
            offered_cycle=_pointer(self.offered),
            taken_cycle=_pointer(self.taken),
            stalls=abi.CStalls(stalls.probability, stalls.burst, stalls.mode, 0),
        )


class _Sink:
    """An output's buffers; `frames` are expected."""

    def __init__(self, fmt: StreamFormat, frames: int, stalls: Stalls) -> None:
        self.format = fmt
        self.words = np.zeros((frames * fmt.beats, beat_words(fmt)), np.uint32)
        self.masks = lane_masks(fmt)
        self.taken = np.full(frames * fmt.beats, -1, np.int64)
        self.c = abi.CSink(
            words=_pointer(self.words),
            beats=len(self.taken),
            frame_beats=fmt.beats,
            pixel_beats=fmt.beats_per_pixel,
            masks=_pointer(self.masks),
            taken_cycle=_pointer(self.taken),
            stalls=abi.CStalls(stalls.probability, stalls.burst, stalls.mode, 0),
        )


def _breaches(c: abi.CSink, start: int) -> list[str]:
    """Breaches of the contract at an output, in words; cycles from `start`."""
    cycle, beat = "at cycle", "at output beat"
    told = (
        (c.dropped, f"tvalid dropped without a handshake, first {cycle} {c.first_dropped - start}"),
        (c.changed, f"a held beat changed, first {cycle} {c.first_changed - start}"),
        (c.last_missing, f"tlast missing at the end of a frame, first {beat} {c.first_last_missing}"),
        (c.last_extra, f"tlast inside a frame, first {beat} {c.first_last_extra}"),
        (c.excess, f"output beats in excess, first {cycle} {c.first_excess - start}"),
    )
    return [f"{text} ({count} times)" for count, text in told if count]


class Stream:
    """One run: its buffers, kept alive while C++ writes to them.

    Parameters
    ----------
    beats : for every input
    frames : frames expected to come out
    """

    def __init__(
        self,
        session: Session,
        beats: Sequence[Beats],
        frames: int,
        source: Stalls,
        sink: Stalls,
        quiet_limit: int,
        drain: int,
    ) -> None:
        self.session = session
        self._sources = [_Source(f, b, source) for f, b in zip(session.inputs, beats, strict=True)]
        self._sinks = [_Sink(f, frames, sink) for f in session.outputs]
        self._c_sources = (abi.CSource * len(self._sources))(*(s.c for s in self._sources))
        self._c_sinks = (abi.CSink * len(self._sinks))(*(s.c for s in self._sinks))
        self.c = abi.CStream(self._c_sources, self._c_sinks, quiet_limit, drain, error_cycle=-1)

    @property
    def cycle(self) -> int:
        return int(self.c.cycle)

    @property
    def frames_out(self) -> int:
        return min(int(c.done) // s.format.beats for c, s in zip(self._c_sinks, self._sinks, strict=True))

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
        sides = (("in", self.session.inputs, self._c_sources), ("out", self.session.outputs, self._c_sinks))
        told = []
        for side, formats, counters in sides:
            for number, (fmt, c) in enumerate(zip(formats, counters, strict=True)):
                n, name = fmt.beats, side if len(formats) == 1 else f"{side} {number}"
                told.append(f"{c.done} of {c.beats} beats {name} (frame {c.done // n}, beat {c.done % n})")
        return f"cycle {self.c.cycle}: {', '.join(told)}"

    def result(self, seconds: float) -> StreamRun:
        """The measurements, cycles relative to the first input handshake."""
        frames = [s for s in self._sources if s.beats.weights is None]
        starts = [int(s.taken[0]) for s in frames if len(s.taken)]
        start = min(starts, default=0)
        violations = []
        for number, c in enumerate(self._c_sinks):
            where = "" if len(self._sinks) == 1 else f"output {number}: "
            violations += [where + text for text in _breaches(c, start)]
        return StreamRun(
            sources=tuple(SourceRun(s.offered - start, s.taken - start) for s in frames),
            sinks=tuple(SinkRun(unpack(s.format, s.words), s.taken - start, s.format.beats) for s in self._sinks),
            frame_error_cycle=None if self.c.error_cycle < 0 else int(self.c.error_cycle) - start,
            violations=tuple(violations),
            cycles=int(self.c.cycle),
            seconds=seconds,
            weights=tuple(SourceRun(s.offered - start, s.taken - start) for s in self._sources[len(frames) :]),
        )


def _pointer(array: NDArray[Any]) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(np.ctypeslib.as_ctypes_type(array.dtype)))
