"""The reference takes and gives what the model does."""

import numpy as np
import pytest
from onnx import TensorProto

from rtlnn.errors import InputError
from rtlnn.load import load_network
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model

Rng = np.random.Generator


def _reference(rng: Rng) -> Reference:
    m = Model(("N", 2, 5, 5)).add("Conv", rng.standard_normal((3, 2, 3, 3)).astype(np.float32)).add("Relu")
    return Reference(load_network(m.build(), rng.standard_normal((20, 2, 5, 5)).astype(np.float32)))


def test_core_and_whole_agree(rng: Rng) -> None:
    reference = _reference(rng)
    x = rng.standard_normal((7, 2, 5, 5)).astype(np.float32)
    (frames,) = reference.network.to_core(x)
    assert (frames.shape, frames.dtype) == ((7, 5, 5, 2), np.int64)
    codes = reference.run(frames)
    scale = reference.network.core.types[reference.network.core.outputs[0]].fixed.one_scale
    np.testing.assert_allclose(reference(x), codes.transpose(0, 3, 1, 2) * scale, rtol=1e-6)


def test_one_frame_and_none(rng: Rng) -> None:
    reference = _reference(rng)
    x = rng.standard_normal((2, 5, 5)).astype(np.float32)
    assert reference(x).shape == (1, 3, 3, 3)
    assert reference(x[np.newaxis][:0]).shape == (0, 3, 3, 3)


def test_values_inside(rng: Rng) -> None:
    reference = _reference(rng)
    (frames,) = reference.network.to_core(rng.standard_normal((2, 2, 5, 5)))
    names = [n.output for n in reference.network.core.nodes]
    assert {v: a.shape for v, a in reference.values(frames, names).items()} == dict.fromkeys(names, (2, 3, 3, 3))


@pytest.mark.parametrize("shape", [(7, 5, 5, 2), (7, 2, 5), (50,)])
def test_wrong_shape(shape: tuple[int, ...], rng: Rng) -> None:
    with pytest.raises(InputError, match=r"the model takes \(N, 2, 5, 5\)"):
        _reference(rng)(np.zeros(shape))


@pytest.mark.parametrize("bad", [128, -129, 0.5])
def test_integer_inputs_stay_in_their_range(bad: float, rng: Rng) -> None:
    m = Model(("N", 4), input_type=TensorProto.INT8).dequantize(0.1, 0)
    m.add("Gemm", m.integers(rng.integers(-9, 9, (2, 4)).astype(np.int8), np.float32(0.1)), transB=1).qdq(0.3, 0)
    reference = Reference(load_network(m.build()))
    assert reference(np.full((1, 4), -128)).shape == (1, 2)
    with pytest.raises(InputError, match="not integers from -128 to 127"):
        reference(np.full((1, 4), bad))


def test_not_a_number(rng: Rng) -> None:
    x = np.zeros((3, 2, 5, 5), np.float32)
    x[1, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        _reference(rng)(x)
