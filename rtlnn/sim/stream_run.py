"""What a run of the compiled harness measured, and what it is asked to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import CheckFailed

__all__ = ["NO_STALLS", "Deadlock", "FrameFault", "PortNames", "StallMode", "Stalls", "StreamRun"]


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
    """Send frame number `frame` as `beats` beats, with `tlast` on the last of them: too short or too long."""

    frame: int
    beats: int


@dataclass(frozen=True)
class PortNames:
    """Port names of a stream component: `<input>tdata`, `<input>tvalid`, ..., the same with `output`.

    Parameters
    ----------
    error : an output that tells of a malformed input frame, None if there is none
    weights : prefix of the port through which weights are loaded, None if there is none
    """

    clock: str
    reset: str
    reset_active_low: bool
    input: str
    output: str
    error: str | None
    weights: str | None = None

    @classmethod
    def core(cls, weights: bool = False) -> "PortNames":
        """The top module of a build, which may have a port for `weights`."""
        port = "s_axis_weights_" if weights else None
        return cls("aclk", "aresetn", True, "s_axis_", "m_axis_", "frame_error", port)

    @classmethod
    def layer(cls) -> "PortNames":
        """A single layer: a component with stream members `i` and `o`."""
        return cls("clk", "rst", False, "i__", "o__", None)


@dataclass(frozen=True)
class StreamRun:
    """Measurements of one run; cycles count from the first input handshake.

    Parameters
    ----------
    outputs : values [N, pixels, channels]
    offered_cycles : per input beat, when `tvalid` first showed it
    input_cycles, output_cycles : per beat, when it was handed over
    input_frame_beats, output_frame_beats : beats a frame
    frame_error_cycle : first cycle with the error port high, None if never
    violations : breaches of the stream contract by the design, in words
    cycles, seconds : length of the run, in clock cycles and in wall-clock time
    """

    outputs: NDArray[np.int64]
    offered_cycles: NDArray[np.int64]
    input_cycles: NDArray[np.int64]
    output_cycles: NDArray[np.int64]
    input_frame_beats: int
    output_frame_beats: int
    frame_error_cycle: int | None
    violations: tuple[str, ...]
    cycles: int
    seconds: float

    @property
    def frame_error(self) -> bool:
        return self.frame_error_cycle is not None

    @property
    def gaps(self) -> NDArray[np.int64]:
        """Per input beat, cycles from the handshake of the beat before to the offer; 0 for the first."""
        return np.concatenate([[0], self.offered_cycles[1:] - self.input_cycles[:-1]])

    @property
    def latency(self) -> int:
        """Cycles from the first input handshake to the last output handshake of the first frame."""
        return int(self.output_cycles[self.output_frame_beats - 1])

    @property
    def intervals(self) -> NDArray[np.int64]:
        """Cycles between the last output beats of successive frames, [N - 1]."""
        return np.diff(self.output_cycles[self.output_frame_beats - 1 :: self.output_frame_beats])

    @property
    def steady_intervals(self) -> NDArray[np.int64]:
        """The intervals after three frames."""
        return self.intervals[2:]

    @property
    def cycles_per_second(self) -> float:
        return self.cycles / max(self.seconds, 1e-9)

    def check(self, expected: NDArray[np.integer]) -> None:
        """Raise `CheckFailed` at the first broken contract or wrong value."""
        problems: Iterable[str] = self.violations
        wrong = mismatch(self.outputs, expected)
        for problem in [*problems, *([wrong] if wrong else [])]:
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
