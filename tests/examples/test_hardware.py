"""The example networks as hardware: real images, every bit, every planned cycle."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.examples import CASES, Case
from rtlnn.builder import build
from rtlnn.options import Options
from rtlnn.quantization import quantize_model
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.compiled import compile_core
from rtlnn.sim.reference import load

# the largest folding of each network takes a minute to compile; benchmarks/ run it
FOLDINGS = [(case, interval) for case in CASES for interval in case.intervals[:2]]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.title)
def test_the_committed_int8_model_is_what_the_quantizer_makes(case: Case) -> None:
    quantized = quantize_model(case.float_model, case.float_model.with_name("calibration.npy"))
    assert quantized.SerializeToString(deterministic=True) == case.int8_model.read_bytes()


@pytest.mark.parametrize(("case", "interval"), FOLDINGS, ids=lambda v: getattr(v, "title", str(v)))
def test_bits_and_cycles_on_real_images(case: Case, interval: int, tmp_path: Path) -> None:
    report = build(case.int8_model, tmp_path / "build", Options(target_interval=interval))
    assert report["interval_cycles"] <= interval
    folder = BuildFolder.open(tmp_path / "build")
    # an empty range, which Amaranth writes for a signal without bits, would be two bits to Verilog
    assert not any("[-1:0]" in file.read_text() for file in folder.core_files)
    reference = load(folder.path)
    images = np.load(case.float_model.with_name("calibration.npy")).astype(np.float32)
    (frames,) = reference.network.to_core(images)
    run = compile_core(folder).run(frames)
    run.check(reference.run(frames).reshape(run.outputs.shape))
    assert run.latency == report["latency_cycles"]
    assert set(run.steady_intervals) == {report["interval_cycles"]}
    assert not run.frame_error
