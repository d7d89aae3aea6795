"""What a run of the compiled harness measured, and what it is asked to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import CheckFailed
from rtlnn.layers.stream import StreamFormat

__all__ = [
    "NO_STALLS",
    "Deadlock",
    "FrameFault",
    "PortNames",
    "SinkRun",
    "SourceRun",
    "StallMode",
    "Stalls",
    "StreamRun",
    "WeightSource",
]


class Deadlock(CheckFailed):
    """No handshake on either side for too long; the message says how far the run came."""


class StallMode(IntEnum):
    """How stalls are drawn: each cycle for itself, in bursts, or (sinks only) ready only after valid was seen.

    The last finds a source whose `tvalid` waits for `tready`: it never starts.
    """

    BERNOULLI = 0
    BURST = 1
    PATIENT = 2


@dataclass(frozen=True)
class Stalls:
    """Random stalls of a source (`tvalid` low) or a sink (`tready` low).

    Parameters
    ----------
    probability : share of cycles stalled, 0 <= p < 1
    mode : how they are drawn
    burst : mean length of a burst in cycles
    """

    probability: float = 0.0
    mode: StallMode = StallMode.BERNOULLI
    burst: float = 16.0

    def __post_init__(self) -> None:
        if not 0 <= self.probability < 1 or self.burst < 1:
            raise ValueError(f"stalls need 0 <= probability < 1 and burst >= 1, not {self}")


NO_STALLS = Stalls()


@dataclass(frozen=True)
class FrameFault:
    """Send frame number `frame` as `beats` beats, with `tlast` on the last of them: too short or too long.

    `port` is the number of the input.
    """

    frame: int
    beats: int
    port: int = 0


@dataclass(frozen=True)
class PortNames:
    """Port names of a stream component: `<input>tdata`, `<input>tvalid`, ..., the same with each output.

    Parameters
    ----------
    error : an output that tells of a malformed input frame, None if there is none
    weights : prefix of the port through which weights are loaded, None if there is none

    The last of the inputs may be streams of weights.
    """

    clock: str
    reset: str
    reset_active_low: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    error: str | None
    weights: str | None = None

    @classmethod
    def core(
        cls, inputs: Iterable[str] = ("s_axis",), outputs: Iterable[str] = ("m_axis",), weights: bool = False
    ) -> "PortNames":
        """The top module of a build with these buses, which may have a port for `weights`, too."""
        sources, sinks = (tuple(f"{name}_" for name in names) for names in (inputs, outputs))
        return cls("aclk", "aresetn", True, sources, sinks, "frame_error", "s_axis_weights_" if weights else None)

    @classmethod
    def layer(cls) -> "PortNames":
        """A single layer: a component with stream members `i` and `o`."""
        return cls("clk", "rst", False, ("i__",), ("o__",), None)


@dataclass(frozen=True)
class WeightSource:
    """What sends a layer's weights, from the cycle behind the first frame's first beat on.

    Parameters
    ----------
    format : beats of bytes
    file : in the folder of the memory files
    batch : frames for which the weights are sent once
    pace : (beats, cycles): at most so many beats in so many cycles
    """

    format: StreamFormat
    file: str
    batch: int
    pace: tuple[int, int]


@dataclass(frozen=True)
class SourceRun:
    """What was measured at an input.

    Parameters
    ----------
    offered, taken : per beat, the cycle when `tvalid` first showed it, and when it was handed over
    """

    offered: NDArray[np.int64]
    taken: NDArray[np.int64]


@dataclass(frozen=True)
class SinkRun:
    """What was measured at an output.

    Parameters
    ----------
    values : [N, pixels, channels]
    taken : per beat, the cycle when it was handed over
    frame_beats : beats a frame
    """

    values: NDArray[np.int64]
    taken: NDArray[np.int64]
    frame_beats: int

    @property
    def ends(self) -> NDArray[np.int64]:
        """When each frame's last beat was handed over, [N]."""
        return self.taken[self.frame_beats - 1 :: self.frame_beats]


@dataclass(frozen=True)
class StreamRun:
    """Measurements of one run; cycles count from the first input handshake, at whichever input.

    Parameters
    ----------
    sources, sinks : of all inputs and outputs
    weights : of the streams of weights
    frame_error_cycle : first cycle with the error port high, None if never
    violations : breaches of the stream contract by the design, in words
    cycles, seconds : length of the run, in clock cycles and in wall-clock time
    """

    sources: tuple[SourceRun, ...]
    sinks: tuple[SinkRun, ...]
    frame_error_cycle: int | None
    violations: tuple[str, ...]
    cycles: int
    seconds: float
    weights: tuple[SourceRun, ...] = ()

    @property
    def outputs(self) -> NDArray[np.int64]:
        """The values of the only output, [N, pixels, channels]."""
        (sink,) = self.sinks
        return sink.values

    @property
    def offered_cycles(self) -> NDArray[np.int64]:
        """Of the only input, per beat, when `tvalid` first showed it."""
        (source,) = self.sources
        return source.offered

    @property
    def input_cycles(self) -> NDArray[np.int64]:
        """Of the only input, per beat, when it was handed over."""
        (source,) = self.sources
        return source.taken

    @property
    def output_cycles(self) -> NDArray[np.int64]:
        """Of the only output, per beat, when it was handed over."""
        (sink,) = self.sinks
        return sink.taken

    @property
    def frame_error(self) -> bool:
        return self.frame_error_cycle is not None

    @property
    def gaps(self) -> NDArray[np.int64]:
        """Per beat of the only input, cycles from the handshake of the beat before to the offer; 0 for the first."""
        return np.concatenate([[0], self.offered_cycles[1:] - self.input_cycles[:-1]])

    @property
    def ends(self) -> NDArray[np.int64]:
        """When each frame has left at all outputs, [N]."""
        return np.max([sink.ends for sink in self.sinks], axis=0)

    @property
    def latency(self) -> int:
        """Cycles from the first input handshake to the last output handshake of the first frame."""
        return int(self.ends[0])

    @property
    def intervals(self) -> NDArray[np.int64]:
        """Cycles between the last output beats of successive frames, [N - 1]."""
        return np.diff(self.ends)

    @property
    def steady_intervals(self) -> NDArray[np.int64]:
        """The intervals after three frames."""
        return self.intervals[2:]

    def batch_intervals(self, batch: int) -> NDArray[np.int64]:
        """The mean intervals of batches that leave together, rounded up, after three of them."""
        return -(-np.diff(self.ends[2 * batch :: batch]) // batch)

    @property
    def cycles_per_second(self) -> float:
        return self.cycles / max(self.seconds, 1e-9)

    def check(self, *expected: NDArray[np.integer]) -> None:
        """Raise `CheckFailed` at the first broken contract or wrong value; `expected` are those of each output."""
        wrong = [mismatch(sink.values, want) for sink, want in zip(self.sinks, expected, strict=True)]
        for problem in [*self.violations, *(text for text in wrong if text)]:
            raise CheckFailed(problem)


def mismatch(outputs: NDArray[np.integer], expected: NDArray[np.integer]) -> str | None:
    """Say where `outputs` [N, ...] first differ from `expected`, of the same number of values; None if nowhere."""
    flat = expected.reshape(outputs.shape)
    wrong = np.argwhere(outputs != flat)
    if not len(wrong):
        return None
    frame, pixel, channel = (int(i) for i in wrong[0])
    got, want = int(outputs[frame, pixel, channel]), int(flat[frame, pixel, channel])
    return (
        f"{len(wrong)} of {flat.size} values are wrong; first: frame {frame}, pixel {pixel}, channel {channel}: "
        f"got {got}, expected {want}"
    )
