"""Quantized models that leave values real: those are quantized with calibration data, and only those."""

from pathlib import Path

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.load import load_network
from rtlnn.ops import Dense, Table
from rtlnn.quantization import Calibration
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator
MODELS = Path(__file__).resolve().parents[3] / "shared" / "data" / "models"


def _weights(m: Model, rng: Rng, shape: tuple[int, ...], **attributes: object) -> Model:
    """A layer with integer weights."""
    codes = rng.integers(-127, 128, shape).astype(np.int8)
    return m.add("Conv", m.integers(codes, 0.01), **attributes)


def _image(rng: Rng, *between: str, quantized_input: bool = True, codes: bool = True) -> Model:
    m = Model(("N", 2, 6, 6))
    if quantized_input:
        m.qdq(0.03, 0)
    m = _weights(m, rng, (3, 2, 3, 3))
    for operator in between:
        m.add(operator)
    if codes:
        m.qdq(0.05, 0)
    return m


def _apart(model: Model, frames: np.ndarray) -> float:
    """The largest difference from the model as it is, against its largest value."""
    proto = model.build()
    ours, theirs = Reference(load_network(proto, frames))(frames), run(proto, frames)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize("between", [("Tanh",), ("Sigmoid", "MaxPool"), ("Elu",), ("HardSwish", "Tanh")])
def test_functions_of_accumulators(between: tuple[str, ...], rng: Rng) -> None:
    frames = rng.standard_normal((20, 2, 6, 6)).astype(np.float32)
    m = Model(("N", 2, 6, 6)).qdq(0.03, 0)
    m = _weights(m, rng, (3, 2, 3, 3))
    for operator in between:
        m.add(operator, **({"kernel_shape": [2, 2]} if operator == "MaxPool" else {}))
    m.qdq(0.02, 0)
    with pytest.raises(InputError, match="--calibration"):
        load_network(m.build())
    network = load_network(m.build(), frames)
    assert any(isinstance(n.op, Table) for n in network.core.nodes)
    assert any("leaves them real" in note for note in network.notes)
    # one step of the result, 0.02, is the least that rounding twice can cost
    assert _apart(m, frames) <= 0.05


def test_real_input(rng: Rng) -> None:
    frames = rng.standard_normal((20, 2, 6, 6)).astype(np.float32)
    m = _image(rng, quantized_input=False)
    assert _apart(m, frames) <= 0.02
    network = load_network(m.build(), frames)
    assert network.core.types[network.core.inputs[0]].fixed.bits == 16


def test_what_calibration_cannot_mend_is_still_refused(rng: Rng) -> None:
    m = _image(rng)
    m.add("Conv", rng.standard_normal((2, 3, 3, 3)).astype(np.float32), name="second").qdq(0.4, 0)
    with pytest.raises(InputError, match=r"node 'second' \(Conv2D\): its weights are not quantized"):
        load_network(m.build(), Calibration.RANDOM)


def test_whole_models_stay_as_they_are(rng: Rng) -> None:
    m = _image(rng, "Relu")
    with_data, without = (load_network(m.build(), data) for data in (Calibration.RANDOM, None))
    assert with_data.core.nodes == without.core.nodes
    assert any("not used" in note for note in with_data.notes)


@pytest.mark.skipif(not MODELS.is_dir(), reason="shared data absent: no folder ../shared/data")
def test_a_network_of_others_with_a_real_input(rng: Rng) -> None:
    frames = rng.standard_normal((50, 16)).astype(np.float32)
    network = load_network(MODELS / "qonnx_qkeras_jettagging.onnx", frames)
    assert sum(isinstance(n.op, Dense) for n in network.core.nodes) == 4
    y = Reference(network)(frames)
    np.testing.assert_allclose(y.sum(axis=-1), 1, atol=1e-5)
