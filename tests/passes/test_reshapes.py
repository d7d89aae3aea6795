"""Reshapes at the ends of a network are the host's; chains are one."""

from dataclasses import replace

import numpy as np

from rtlnn.frontend import import_model
from rtlnn.passes.reshapes import settle_reshapes
from rtlnn.passes.runner import run
from tests.onnx_models import Model, evaluate

Rng = np.random.Generator


def _f(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def _check(m: Model, rng: Rng, ops: list[str]) -> None:
    model = import_model(m.build())
    x = _f(rng, 3, *model.input.shape)
    settled = run(model.graph, (settle_reshapes,))
    assert [type(n.op).__name__ for n in settled.nodes] == ops
    np.testing.assert_array_equal(evaluate(replace(model, graph=settled), x), evaluate(model, x))


def test_flattened_input(rng: Rng) -> None:
    m = Model(("N", 1, 6, 4)).add("Mul", np.float32(0.1)).add("Flatten").add("Gemm", _f(rng, 24, 5))
    _check(m, rng, ["Affine", "Dense"])


def test_vector_that_is_an_image(rng: Rng) -> None:
    m = Model(("N", 24)).add("Reshape", _ints(-1, 1, 6, 4)).add("Conv", _f(rng, 2, 1, 3, 3))
    _check(m, rng, ["Conv2D"])


def test_flattened_output(rng: Rng) -> None:
    m = Model(("N", 3, 6, 4)).add("Conv", _f(rng, 2, 3, 3, 3)).add("Flatten").add("Relu").add("Mul", np.float32(3))
    _check(m, rng, ["Conv2D", "Clip", "Affine"])


def test_in_the_middle_it_stays(rng: Rng) -> None:
    m = Model(("N", 3, 6, 4)).add("Conv", _f(rng, 2, 3, 3, 3)).add("Flatten").add("Gemm", _f(rng, 16, 5))
    _check(m, rng, ["Conv2D", "Reshape", "Dense"])


def test_different_factors_for_each_channel_keep_it(rng: Rng) -> None:
    m = Model(("N", 3, 6, 4)).add("Mul", _f(rng, 3, 1, 1)).add("Flatten").add("Gemm", _f(rng, 72, 5))
    _check(m, rng, ["Affine", "Reshape", "Dense"])
