"""The compiled harness on a core with planted faults: each is found, and timing is exact."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stub import BEATS, INTERFACE, SHAPE, VERILOG, Fault, model, plant

from rtlnn.errors import CheckFailed
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.packing import port_format
from rtlnn.sim.stream_run import Deadlock, FrameFault, StallMode, Stalls
from rtlnn.sim.toolchain import BuildError, Toolchain, find_toolchain

FORMATS = port_format(INTERFACE.input), port_format(INTERFACE.output)
STALLS = Stalls(0.3)


@pytest.fixture(scope="module")
def stub() -> CompiledCore:
    return CompiledCore.build([VERILOG], "stub", *FORMATS)


@pytest.fixture
def core(stub: CompiledCore, tmp_path: Path):
    """The stub with a fault."""

    def make(fault: Fault = Fault.NONE) -> CompiledCore:
        return replace(stub, mem_dir=plant(tmp_path / fault.name, fault))

    return make


@pytest.fixture
def frames(rng) -> np.ndarray:
    return rng.integers(0, 256, (6, *SHAPE))


def test_timing_is_exact(core, frames):
    run = core().run(frames)
    run.check(model(frames))
    beats = np.arange(6 * BEATS)
    np.testing.assert_array_equal(run.input_cycles, beats)
    np.testing.assert_array_equal(run.offered_cycles, beats)
    np.testing.assert_array_equal(run.output_cycles, beats + 1)
    np.testing.assert_array_equal(run.gaps, [0, *[1] * (6 * BEATS - 1)])
    assert run.latency == BEATS
    assert list(run.intervals) == [BEATS] * 5
    assert len(run.steady_intervals) == 3
    assert not run.frame_error


def test_a_bubble_shows_in_the_interval(core, frames):
    run = core(Fault.BUBBLE_AFTER_A_FRAME).run(frames)
    run.check(model(frames))
    assert run.latency == BEATS
    assert list(run.intervals) == [BEATS + 1] * 5


@pytest.mark.parametrize("mode", StallMode)
def test_stalls_are_as_asked(core, rng, mode):
    """Share and burst length of the stalls, and no wrong bit."""
    frames = rng.integers(0, 256, (500, *SHAPE))
    stalls = Stalls(0.4, mode, burst=10)
    for source, sink in ((stalls, Stalls()), (Stalls(), stalls), (stalls, stalls)):
        run = core().run(frames, source_stall=source, sink_stall=sink, seed=int(rng.integers(1 << 30)))
        run.check(model(frames))
        if sink == Stalls():
            pauses = run.gaps[1:] - 1
            assert 0.3 < pauses.sum() / run.input_cycles[-1] < 0.5
            assert (
                (8 if mode is StallMode.BURST else 1)
                < pauses[pauses > 0].mean()
                < (12 if mode is StallMode.BURST else 2.5)
            )


def test_runs_repeat_with_the_seed(core, frames):
    runs = [core().run(frames, source_stall=STALLS, sink_stall=STALLS, seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0].output_cycles, runs[1].output_cycles)
    assert (runs[0].output_cycles != runs[2].output_cycles).any()


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.CHANGES_HELD_DATA, "a held beat changed"),
        (Fault.LOSES_TLAST, r"tlast missing at the end of a frame, first at output beat 15 \(1 times\)"),
        (Fault.EARLY_TLAST, r"tlast inside a frame, first at output beat 3 "),
        (Fault.DROPS_TVALID, "tvalid dropped without a handshake"),
        (Fault.REPEATS_A_BEAT, r"tlast missing at the end of a frame, first at output beat 31"),
        (Fault.WRONG_BIT, r"1 of 96 values are wrong; first: frame 1, pixel 2, channel 3: got"),
    ],
)
def test_faults_are_found(core, frames, fault, message):
    run = core(fault).run(frames, sink_stall=STALLS)
    with pytest.raises(CheckFailed, match=message):
        run.check(model(frames))


def test_excess_beats_are_found(core, frames):
    run = core(Fault.REPEATS_A_BEAT).run(frames[:3])
    assert (run.outputs.reshape(-1) == model(frames[:3]).reshape(-1)).all()
    assert run.violations == ("output beats in excess, first at cycle 25 (1 times)",)


def test_lost_beat_ends_in_a_deadlock(core, frames):
    with pytest.raises(
        Deadlock, match=r"no handshake for 1001 cycles; cycle \d+: 48 of 48 beats in .* of 48 beats out"
    ):
        core(Fault.LOSES_A_BEAT_WHEN_STALLED).run(frames, sink_stall=STALLS, quiet_limit=1000)


def test_a_core_that_stops(core, frames):
    with pytest.raises(
        Deadlock, match=r"20 of 48 beats in \(frame 2, beat 4\), 20 of 48 beats out \(frame 2, beat 4\)"
    ):
        core(Fault.STOPS).run(frames)


def test_waiting_for_tready_needs_a_patient_sink_to_show(core, frames):
    faulty = core(Fault.WAITS_FOR_TREADY)
    faulty.run(frames).check(model(frames))
    with pytest.raises(Deadlock, match="0 of 48 beats out"):
        faulty.run(frames, sink_stall=Stalls(0.0, StallMode.PATIENT))


def test_time_limit(core, frames):
    with pytest.raises(CheckFailed, match=r"not done after 30 cycles: cycle 30: 30 of 48"):
        core().run(frames, max_cycles=30)


def test_reset_in_mid_frame(core, frames, rng):
    for reset_at in (1, 3, 8, int(rng.integers(1, 48))):
        run = core().run(frames, reset_at=reset_at, source_stall=STALLS)
        run.check(model(frames))
    core(Fault.SURVIVES_RESET).run(frames).check(model(frames))
    run = core(Fault.SURVIVES_RESET).run(frames, reset_at=3)
    with pytest.raises(CheckFailed, match="values are wrong; first: frame 0, pixel 1, channel 0"):
        run.check(model(frames))


def test_short_and_long_frames(core, frames):
    """The wrong frame has the wrong number of beats, with `tlast` on its last; the error port is seen at once."""
    run = core().run(frames, faults=[FrameFault(1, 5)], expected_frames=5)
    assert run.frame_error_cycle == 8 + 5
    assert run.violations == ("output beats in excess, first at cycle 41 (5 times)",)
    sent = np.concatenate([frames.reshape(-1, 2)[: 8 + 5], frames.reshape(-1, 2)[16:]])[:40]
    np.testing.assert_array_equal(run.outputs.reshape(5, *SHAPE), model(sent.reshape(5, *SHAPE)))
    run = core().run(frames, faults=[FrameFault(0, 11)], expected_frames=6)
    assert run.frame_error_cycle == 8
    assert len(run.input_cycles) == 51


def test_progress(core, rng):
    told: list[tuple[int, float]] = []
    core().run(rng.integers(0, 256, (300_000, *SHAPE)), progress=lambda *now: told.append(now))
    frames = [done for done, _ in told]
    assert len(told) >= 2
    assert frames == sorted(frames)
    assert frames[-1] == 300_000
    assert min(speed for _, speed in told) > 10_000


def test_a_missing_memory_file_is_named(stub, tmp_path, frames):
    with pytest.raises(CheckFailed, match=f"file not found .{tmp_path}/fault.mem"):
        replace(stub, mem_dir=tmp_path).run(frames)


def test_builds_are_kept_by_content(stub, tmp_path, frames):
    """The same files in another place need no compiler; any difference does."""
    absent = Toolchain(tmp_path / "no-verilator", find_toolchain().version, bundled=True)
    copy = tmp_path / "copy.v"
    copy.write_bytes(VERILOG.read_bytes())
    again = CompiledCore.build([copy], "stub", *FORMATS, plant(tmp_path, Fault.NONE), toolchain=absent)
    assert (again.library, again.build_seconds) == (stub.library, 0.0)
    again.run(frames).check(model(frames))
    copy.write_text(copy.read_text() + "\n")
    for files, defines in (([copy], {}), ([VERILOG], {"X": "1"})):
        with pytest.raises(FileNotFoundError, match="no-verilator"):
            CompiledCore.build(files, "stub", *FORMATS, defines=defines, toolchain=absent)


def test_bad_verilog_is_refused(tmp_path):
    bad = tmp_path / "bad.v"
    bad.write_text("module bad(input a; endmodule\n")
    with pytest.raises(BuildError, match=r"(?s)building the simulator of bad failed:\n%Error: .*syntax error"):
        CompiledCore.build([bad], "bad", *FORMATS, cache_dir=tmp_path)
    assert not list(tmp_path.glob("**/*.so"))
    assert not list(tmp_path.glob("build-*"))
