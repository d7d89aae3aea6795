"""Random networks with branches, quantized by onnxruntime: integers equal to its own, and the RTL to both."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import rtlnn
from rtlnn.comparing import compare
from rtlnn.sim.build_folder import BuildFolder, random_frames
from rtlnn.sim.compiled import compile_core
from rtlnn.sim.reference import load
from rtlnn.sim.stream_run import NO_STALLS, Stalls
from tests.random_graphs import random_model

Rng = np.random.Generator

FORMS = {
    "qdq int8": (QuantFormat.QDQ, QuantType.QInt8),
    "qdq uint8": (QuantFormat.QDQ, QuantType.QUInt8),
    "qoperator int8": (QuantFormat.QOperator, QuantType.QInt8),
}


class _Frames(CalibrationDataReader):
    """All frames at once."""

    def __init__(self, frames: np.ndarray) -> None:
        self._left = iter([{"x": frames}])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


def _quantized(rng: Rng, form: str, folder: Path) -> tuple[Path, np.ndarray]:
    model = random_model(rng)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    frames = rng.standard_normal((8, *shape)).astype(np.float32)
    source, result = folder / "float.onnx", folder / "quantized.onnx"
    onnx.save(model, source)
    kind, activations = FORMS[form]
    quantize_static(
        source, result, _Frames(frames), quant_format=kind, activation_type=activations, weight_type=QuantType.QInt8,
        per_channel=bool(rng.integers(2)), extra_options={"ActivationSymmetric": False},
    )  # fmt: skip
    return result, frames


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", range(6))
def test_integers_equal_onnxruntimes(form: str, number: int, rng: Rng, tmp_path: Path) -> None:
    model, frames = _quantized(rng, form, tmp_path)
    found = compare(model, frames, frames)
    # averages and broadcast products are summed in float32 there: ties may go the other way
    share, steps = 0.01, 1
    if any("leaves them real" in note for note in found.notes):
        # what is real there is rounded here
        share, steps = 0.5, 4
    assert found.layers
    for layer in found.layers:
        assert layer.alone.fraction <= share, f"{layer.layer}: {layer.alone}"
        assert layer.alone.largest <= steps, f"{layer.layer}: {layer.alone}"


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", range(4))
def test_hardware_equals_the_reference(form: str, number: int, rng: Rng, tmp_path: Path) -> None:
    model, frames = _quantized(rng, form, tmp_path)
    platform = str(rng.choice(["u200", "zu9eg", "xc7z020"]))
    interval = int(rng.choice([20_000, 3_000, 1_500]))
    options = rtlnn.Options(platform=platform, calibration=frames, target_interval=interval)
    report = rtlnn.build(model, tmp_path / "build", options)
    folder = BuildFolder.open(tmp_path / "build")
    given = random_frames(folder.interface.input, 6, int(rng.integers(1 << 30)))
    core, expected = compile_core(folder), load(folder.path).run(given)
    for stalls in (NO_STALLS, Stalls(0.3)):
        run = core.run(given, source_stall=stalls, sink_stall=stalls, seed=number)
        run.check(expected.reshape(run.outputs.shape))
        if stalls is NO_STALLS:
            assert run.latency == report["latency_cycles"]
            assert set(run.steady_intervals) == {report["interval_cycles"]}
