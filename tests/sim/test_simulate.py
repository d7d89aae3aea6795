"""`simulate` on a build folder around the stub: what it finds, and what it refuses."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from stub import BEATS, INTERFACE, SHAPE, Fault, StubReference, make_build, model, plant

from rtlnn.errors import InputError
from rtlnn.sim import simulate as module
from rtlnn.sim.build_folder import random_frames
from rtlnn.sim.result import Level, Mismatch
from rtlnn.sim.simulate import simulate
from rtlnn.sim.simulators import Simulator

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="Icarus Verilog is not installed")


@pytest.fixture(autouse=True)
def reference(monkeypatch):
    monkeypatch.setattr(module, "load_reference", lambda folder: StubReference())


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_build(tmp_path_factory.mktemp("template") / "build")


@pytest.fixture
def build(template, tmp_path):
    """A build folder of the test's own, in a place with a blank."""
    return shutil.copytree(template, tmp_path / "a build")


def test_a_good_core(build):
    steps = []
    result = simulate(build, frames=20, progress=lambda *step: steps.append(step))
    assert result.passed
    assert result.bit_exact
    assert (result.mismatches, result.first_mismatch, result.failures) == (0, None, ())
    assert (result.latency_cycles, result.interval_cycles) == (BEATS, BEATS)
    assert result.benches == ("always_ready", "random_stalls", "reset_in_mid_frame")
    assert result.simulator.startswith("Verilator 5.")
    assert result.cycles_per_second > 10_000
    phases = {step.partition(":")[0] for step, *_ in steps}
    assert phases > {"reference", "no stalls", "random stalls", "cocotb bench of the core"}
    assert all(0 <= done <= total for _, done, total in steps)
    told = json.loads(result.to_json())
    names = "bit_exact mismatches frames latency_cycles interval_cycles planned_latency_cycles planned_interval_cycles"
    assert set(f"{names} simulator cycles_per_second".split()) <= set(told)
    assert not (build / "sim").exists()


def test_random_frames_hold_the_extremes():
    frames = random_frames(replace(INTERFACE.input, bits=5, signed=True), 3, seed=7)
    assert frames.shape == (3, *SHAPE)
    assert (frames[0] == -16).all()
    assert (frames[1] == 15).all()


@pytest.mark.parametrize(
    ("fault", "message", "bit_exact"),
    [
        (Fault.LOSES_A_BEAT_WHEN_STALLED, "random stalls: deadlock: no handshake", False),
        (Fault.CHANGES_HELD_DATA, "random stalls: a held beat changed", False),
        (Fault.LOSES_TLAST, "no stalls: tlast missing at the end of a frame, first at output beat 15", False),
        (Fault.DROPS_TVALID, "random stalls: tvalid dropped without a handshake", False),
        (Fault.WAITS_FOR_TREADY, "a sink that waits for valid: deadlock", False),
        (Fault.SURVIVES_RESET, "bench reset_in_mid_frame: frame 0, beat 2: got", False),
        (Fault.BUBBLE_AFTER_A_FRAME, r"no stalls: the interval is 9 cycles, planned 8 \(5 of 5\)", True),
    ],
)
def test_faults_of_a_core(build, fault, message, bit_exact):
    plant(build / "mem", fault)
    result = simulate(build, frames=8)
    assert not result.passed
    assert result.bit_exact == bit_exact
    assert any(re.match(message, failure) for failure in result.failures), result.failures


def test_a_wrong_bit_is_located(build):
    plant(build / "mem", Fault.WRONG_BIT)
    x = np.zeros((3, *SHAPE), np.uint8)
    result = simulate(build, inputs=x)
    want = int(model(x)[1, 1, 0, 3])
    assert result.first_mismatch == Mismatch(1, (1, 0, 3), want ^ 0x40, want)
    assert result.mismatches >= 4
    assert not result.bit_exact


def test_a_wrong_plan_is_found(build):
    wrong = replace(INTERFACE, latency_cycles=7, interval_cycles=9)
    (build / "interface.json").write_text(wrong.to_json())
    result = simulate(build, frames=5)
    assert result.bit_exact
    assert not result.passed
    assert set(result.failures) == {
        "no stalls: the latency is 8 cycles, planned 7",
        "no stalls: the interval is 8 cycles, planned 9 (3 of 3)",
    }


def test_kernel(build):
    """The platform's real shell around the stub: 64 frames in one start, the interval is the core's."""
    result = simulate(build, level=Level.KERNEL)
    assert result.passed, result.failures
    assert result.frames == 64
    assert result.interval_cycles == result.planned_interval_cycles == BEATS
    assert result.benches == ("no_stalls", "stalls_everywhere")
    plant(build / "mem", Fault.WRONG_BIT)
    result = simulate(build, level=Level.KERNEL, frames=4)
    assert (result.bit_exact, result.mismatches) == (False, 1)
    assert result.first_mismatch.frame == 1
    plant(build / "mem", Fault.BUBBLE_AFTER_A_FRAME)
    result = simulate(build, level=Level.KERNEL, frames=5)
    assert result.bit_exact
    assert result.failures == ("bench no_stalls: the interval is 9 cycles, planned 8 (2 of 2)",)
    plant(build / "mem", Fault.STOPS)
    result = simulate(build, level=Level.KERNEL, frames=4)
    assert not result.bit_exact
    assert "deadlock: 20 of 32 beats into the core" in result.failures[0]


@needs_icarus
def test_icarus(build):
    result = simulate(build, simulator=Simulator.ICARUS, frames=5, waves=True)
    assert result.passed, result.failures
    assert result.simulator.startswith("Icarus Verilog")
    assert (result.latency_cycles, result.interval_cycles) == (BEATS, BEATS)
    assert (build / result.waves).stat().st_size > 500
    plant(build / "mem", Fault.WRONG_BIT)
    result = simulate(build, simulator=Simulator.ICARUS, frames=5)
    assert (result.bit_exact, result.mismatches) == (False, 1)


def test_icarus_is_named_if_missing(build, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="sudo apt-get install -y iverilog"):
        simulate(build, simulator=Simulator.ICARUS)


def test_waves(build):
    result = simulate(build, frames=2, waves=True)
    assert result.waves == "sim/core.vcd"
    assert "m_axis_tdata" in (build / result.waves).read_text()


def test_inputs_from_a_file(build, tmp_path, rng):
    x = rng.integers(0, 256, (5, *SHAPE), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    result = simulate(build, inputs=tmp_path / "x.npy", frames=3)
    assert result.passed
    assert result.frames == 3
    np.save(tmp_path / "x.npy", x[0])
    assert simulate(build, inputs=str(tmp_path / "x.npy")).frames == 1


@pytest.mark.parametrize(
    ("inputs", "frames", "message"),
    [
        (
            np.zeros((2, *SHAPE), np.float32),
            None,
            r"float32 values; the hardware takes integers \(real = 0.5 \* \(integer - 3\)",
        ),
        (np.zeros((2, 2, 2, 5), np.uint8), None, r"shape \(2, 2, 2, 5\); needed are frames \(N, 2, 2, 4\)"),
        (np.zeros((0, *SHAPE), np.uint8), None, "N at least 1"),
        (np.full((2, *SHAPE), -1), None, "values -1 to -1; the input takes 0 to 255"),
        (np.zeros((2, *SHAPE), np.uint8), 3, "holds 2 frames, not 3"),
        (None, 0, "0 frames cannot be simulated"),
        ("missing.npy", None, "missing.npy cannot be read"),
        (__file__, None, "cannot be read as a NumPy array file"),
    ],
)
def test_bad_inputs(build, inputs, frames, message):
    with pytest.raises(InputError, match=message):
        simulate(build, inputs=inputs, frames=frames)


def test_bad_build_folders(build, tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        simulate(tmp_path / "missing")
    with pytest.raises(InputError, match=r"it has no interface\.json"):
        simulate(tmp_path)
    (build / "rtl" / "stub.v").unlink()
    with pytest.raises(InputError, match=r"names files that are not there: .*stub\.v"):
        simulate(build)
    (build / "rtl" / "files.f").unlink()
    with pytest.raises(InputError, match=r"rtl/files\.f is missing"):
        simulate(build)
    (build / "interface.json").write_text(replace(INTERFACE, kernel=None).to_json())
    with pytest.raises(InputError, match=r"rtl/files\.f is missing"):
        simulate(build, level=Level.KERNEL)
    (build / "interface.json").write_text("{")
    with pytest.raises(InputError, match=r"interface\.json cannot be used"):
        simulate(build)


def test_a_bare_device_has_no_kernel(build):
    (build / "interface.json").write_text(replace(INTERFACE, kernel=None).to_json())
    with pytest.raises(InputError, match="has no kernel: its platform has no shell"):
        simulate(build, level=Level.KERNEL)
