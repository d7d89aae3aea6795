"""The check that every layer's tests go through: it passes a good component and finds each planted fault."""

import re

import numpy as np
import pytest
from stub import BEATS, INTERFACE, SHAPE, VERILOG, Fault, model, plant

from rtlnn.errors import CheckFailed
from rtlnn.sim.layer_check import check_layer
from rtlnn.sim.packing import port_format
from rtlnn.sim.stream_run import PortNames

FRAMES = 4


@pytest.fixture
def check(rng, tmp_path):
    """Run the stub, with a fault, as a layer."""
    frames = rng.integers(0, 256, (FRAMES, *SHAPE))

    def run(fault=Fault.NONE, expected=None, **options):
        return check_layer(
            VERILOG.read_text(),
            "stub",
            port_format(INTERFACE.input),
            port_format(INTERFACE.output),
            frames,
            model(frames) if expected is None else expected(frames),
            mem_dir=plant(tmp_path, fault),
            ports=PortNames.core(),
            quiet_limit=1000,
            **options,
        )

    return run


def timing(gaps):
    """The stub's: every beat is taken when it is offered, and leaves one cycle later."""
    taken = np.cumsum(gaps)
    return taken, taken + 1


def test_a_good_layer_passes(check):
    passed = check(schedule=np.arange(FRAMES * BEATS) + 1, timing=timing)
    assert passed.no_stalls.latency == BEATS
    assert passed.source_stalls.gaps[1:].max() > 1
    assert passed.sink_stalls.output_cycles[-1] > FRAMES * BEATS


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.LOSES_A_BEAT_WHEN_STALLED, "stub, sink stalls, seed 0: deadlock"),
        (Fault.CHANGES_HELD_DATA, "stub, sink stalls, seed 0: a held beat changed"),
        (Fault.LOSES_TLAST, "stub, no stalls, seed 0: tlast missing"),
        (Fault.WRONG_BIT, "stub, no stalls, seed 0: 1 of 64 values are wrong"),
        (Fault.DROPS_TVALID, "stub, sink stalls, seed 0: tvalid dropped"),
        (Fault.REPEATS_A_BEAT, "stub, no stalls, seed 0: tlast missing"),
        (Fault.WAITS_FOR_TREADY, "stub, stalls 2 on both sides, seed 3: deadlock"),
        (Fault.STOPS, "stub, no stalls, seed 0: deadlock"),
        (Fault.EARLY_TLAST, "stub, no stalls, seed 0: tlast inside a frame"),
        (
            Fault.SURVIVES_RESET,
            r"stub, reset in cycle \d+, seed 10\d: \d+ of 64 values are wrong; first: frame 0, pixel 1, channel 0",
        ),
    ],
)
def test_faults_are_found(check, fault, message):
    with pytest.raises(CheckFailed, match=message):
        check(fault)


def test_a_late_beat_misses_the_schedule(check):
    planned = np.arange(FRAMES * BEATS) + 1
    first = re.escape("stub, no stalls: output beat 8 in cycle 10, planned 9 (24 of 32 beats differ)")
    with pytest.raises(CheckFailed, match=first):
        check(Fault.BUBBLE_AFTER_A_FRAME, schedule=planned)
    with pytest.raises(CheckFailed, match="no stalls: input beat 8 in cycle 9, planned 8"):
        check(Fault.BUBBLE_AFTER_A_FRAME, timing=lambda gaps: (np.arange(len(gaps)), np.arange(len(gaps)) + 1))
    with pytest.raises(CheckFailed, match="32 beats, but the schedule has 31"):
        check(schedule=planned[1:])


def test_a_timing_model_that_ignores_stalls_is_found(check):
    with pytest.raises(CheckFailed, match="source stalls: input beat"):
        check(timing=lambda gaps: (np.arange(len(gaps)), np.arange(len(gaps)) + 1))


def test_a_wrong_expectation_is_found(check):
    def off_by_one(frames):
        wrong = model(frames)
        wrong[3, 1, 1, 3] += 1
        return wrong

    with pytest.raises(CheckFailed, match="1 of 64 values are wrong; first: frame 3, pixel 3, channel 3"):
        check(expected=off_by_one)
