"""Runs one layer through everything that goes wrong in streaming hardware: stalls on either side, resets, its timing.

One build, many runs. Used by the tests of every layer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import CheckFailed
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.stream_run import NO_STALLS, PortNames, StallMode, Stalls, StreamRun

__all__ = ["LayerCheck", "Timing", "check_layer"]

Timing: TypeAlias = Callable[[NDArray[np.int64]], tuple[NDArray[np.int64], NDArray[np.int64]]]
"""A layer's timing model, for a sink that is always ready: from gaps to (arrivals, departures), the cycles in which
the input and the output beats are handed over. The source offers beat j `gaps[j]` cycles after beat j - 1 was taken;
gaps[0] is 0, all others are at least 1."""


@dataclass(frozen=True)
class LayerCheck:
    """The runs of a layer that passed, for further assertions."""

    no_stalls: StreamRun
    source_stalls: StreamRun
    sink_stalls: StreamRun


def check_layer(
    verilog: str,
    module: str,
    input: StreamFormat,
    output: StreamFormat,
    frames: NDArray[np.integer],
    expected: NDArray[np.integer],
    *,
    schedule: NDArray[np.integer] | None = None,
    timing: Timing | None = None,
    files: Sequence[Path] = (),
    mem_dir: Path = Path("."),
    ports: PortNames | None = None,
    seed: int = 0,
    rounds: int = 3,
    quiet_limit: int = 100_000,
    cache_dir: Path | None = None,
) -> LayerCheck:
    """Check `module` of the text `verilog` on `frames` [N, ...] against `expected`.

    Scenarios: no stalls, source stalls, sink stalls, `rounds` times random stalls on both sides (single cycles,
    bursts, a sink that waits for valid), `rounds` resets in the middle of a frame, followed by clean frames. Frames
    are always sent back to back, so give at least two.

    Parameters
    ----------
    schedule : cycle of each output beat's handshake without stalls, relative to the first input handshake
    timing : the layer's timing model, compared beat by beat on both sides, without and with source stalls
    files : further Verilog, compiled before
    mem_dir : folder of the memory files
    ports : port names and polarity of reset (default: `PortNames.layer()`)
    seed : of all random numbers
    cache_dir : where builds are kept (default: the user's cache folder)

    Raises `CheckFailed` with the scenario and the first thing that is wrong.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{module}.v"
        file.write_text(verilog)
        core = CompiledCore.build(
            [*files, file], module, input, output, mem_dir, ports=ports or PortNames.layer(), cache_dir=cache_dir
        )

    def run(
        name: str, source: Stalls = NO_STALLS, sink: Stalls = NO_STALLS, *, salt: int = 0, reset_at: int | None = None
    ) -> StreamRun:
        try:
            result = core.run(
                frames,
                source_stall=source,
                sink_stall=sink,
                seed=seed + salt,
                reset_at=reset_at,
                quiet_limit=quiet_limit,
            )
            result.check(expected)
        except CheckFailed as error:
            raise type(error)(f"{module}, {name}, seed {seed + salt}: {error}") from None
        return result

    no_stalls = run("no stalls")
    if schedule is not None:
        _same_cycles(f"{module}, no stalls: output", no_stalls.output_cycles, np.asarray(schedule))
    passed = LayerCheck(
        no_stalls,
        run("source stalls", source=Stalls(0.4)),
        run("sink stalls", sink=Stalls(0.4)),
    )
    if timing is not None:
        for name, result in (("no stalls", no_stalls), ("source stalls", passed.source_stalls)):
            arrivals, departures = timing(result.gaps)
            _same_cycles(f"{module}, {name}: input", result.input_cycles, arrivals - arrivals[0])
            _same_cycles(f"{module}, {name}: output", result.output_cycles, departures - arrivals[0])
    both = (
        (Stalls(0.25), Stalls(0.25)),
        (Stalls(0.5, StallMode.BURST), Stalls(0.5, StallMode.BURST)),
        (Stalls(0.1), Stalls(0.3, StallMode.PATIENT)),
        (Stalls(0.6), Stalls(0.6)),
    )
    for i in range(rounds):
        source, sink = both[i % len(both)]
        run(f"stalls {i} on both sides", source, sink, salt=i + 1)
    length = int(no_stalls.output_cycles[-1]) + 1
    rng = np.random.default_rng(seed)
    for i in range(rounds):
        reset_at = int(rng.integers(1, length + 1))
        source, sink = both[i % len(both)] if i % 2 else (NO_STALLS, NO_STALLS)
        run(f"reset in cycle {reset_at}", source, sink, salt=100 + i, reset_at=reset_at)
    return passed


def _same_cycles(what: str, measured: NDArray[np.int64], planned: NDArray[np.integer]) -> None:
    if len(measured) != len(planned):
        raise CheckFailed(f"{what}: {len(measured)} beats, but the schedule has {len(planned)}")
    wrong = np.flatnonzero(measured != planned)
    if len(wrong):
        first = wrong[0]
        raise CheckFailed(
            f"{what} beat {first} in cycle {measured[first]}, planned {planned[first]} ({len(wrong)} of "
            f"{len(measured)} beats differ)"
        )
