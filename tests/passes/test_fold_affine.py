"""Folding changes the graph, never what it computes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rtlnn.frontend import import_model
from rtlnn.passes.fold_affine import fold_affine
from rtlnn.passes.runner import run
from tests.onnx_models import Model, evaluate

Rng = np.random.Generator


def _f(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _bn(m: Model, rng: Rng, channels: int, sign: float = 0.0) -> Model:
    """Batch normalization; gamma of both signs, or of one."""
    gamma = _f(rng, channels)
    gamma[0], gamma[1] = -0.5, 0.5
    if sign:
        gamma = sign * np.abs(gamma)
    return m.add("BatchNormalization", gamma, _f(rng, channels), _f(rng, channels), np.abs(_f(rng, channels)) + 0.1)


def _conv(rng: Rng, channels: int = 4) -> Model:
    return Model(("N", 3, 8, 8)).add("Conv", _f(rng, channels, 3, 3, 3))


POOL = {"kernel_shape": [2, 2], "strides": [2, 2]}

CASES: dict[str, tuple[Callable[[Rng], Model], list[str]]] = {
    "behind a convolution": (lambda r: _bn(_conv(r), r, 4).add("Relu"), ["Conv2D", "Clip"]),
    "behind a dense layer": (
        lambda r: _bn(Model(("N", 6)).add("Gemm", _f(r, 6, 4), _f(r, 4)), r, 4),
        ["Dense"],
    ),
    "twice": (lambda r: _bn(_bn(_conv(r), r, 4), r, 4), ["Conv2D"]),
    "behind a pool, positive": (lambda r: _bn(_conv(r).add("MaxPool", **POOL), r, 4, 1.0), ["Conv2D", "MaxPool2D"]),
    "behind a pool, negative": (
        lambda r: _bn(_conv(r).add("MaxPool", **POOL), r, 4).add("Relu"),
        ["Conv2D", "MaxPool2D", "Affine", "Clip"],
    ),
    "activation behind a pool": (
        lambda r: _conv(r).add("MaxPool", **POOL).add("Relu"),
        ["Conv2D", "Clip", "MaxPool2D"],
    ),
    "before a convolution without padding": (
        lambda r: _bn(_conv(r).add("Relu"), r, 4).add("Conv", _f(r, 2, 4, 3, 3)),
        ["Conv2D", "Clip", "Conv2D"],
    ),
    "before a grouped convolution": (
        lambda r: _bn(_conv(r).add("Relu"), r, 4).add("Conv", _f(r, 6, 2, 3, 3), group=2),
        ["Conv2D", "Clip", "Conv2D"],
    ),
    "before a convolution with padding": (
        lambda r: _bn(_conv(r).add("Relu"), r, 4).add("Conv", _f(r, 2, 4, 3, 3), pads=[1, 1, 1, 1]),
        ["Conv2D", "Clip", "Affine", "Conv2D"],
    ),
    "before a flattened dense layer": (
        lambda r: _bn(_conv(r).add("Relu"), r, 4).add("Flatten").add("Gemm", _f(r, 144, 5)),
        ["Conv2D", "Clip", "Reshape", "Dense"],
    ),
    "at the input, where it is the host's": (
        lambda r: _bn(Model(("N", 3, 8, 8)), r, 3).add("Conv", _f(r, 2, 3, 3, 3)),
        ["Affine", "Conv2D"],
    ),
}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_folding(case: str, rng: Rng) -> None:
    make, ops = CASES[case]
    model = import_model(make(rng).build())
    x = _f(rng, 5, *model.input.shape)
    before = evaluate(model, x)
    folded = run(model.graph, (fold_affine,))
    assert [type(n.op).__name__ for n in folded.nodes] == ops
    np.testing.assert_allclose(evaluate(replace(model, graph=folded), x), before, rtol=1e-9, atol=1e-9)
