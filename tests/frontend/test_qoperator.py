"""Operators on integers: imported as their parts, they become the integers of onnxruntime's kernels."""

from collections.abc import Callable

import numpy as np
import pytest
from onnx import TensorProto

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.load import load_network
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, evaluate, run

Rng = np.random.Generator
MS = "com.microsoft"
FRAMES = 48


def _scale(value: object) -> np.ndarray:
    return np.asarray(value, np.float32)


def _u8(value: int) -> np.ndarray:
    return np.uint8(value)


def _start(*shape: int) -> Model:
    """uint8 codes of scale 0.02 around 120."""
    return Model(("N", *shape)).quantize(0.02, 120, "uint8")


def _weights(rng: Rng, *shape: int) -> np.ndarray:
    return rng.integers(-127, 128, shape).astype(np.int8)


def _conv(
    m: Model, rng: Rng, shape: tuple[int, ...], x: tuple[float, int], y: tuple[float, int], **more: object
) -> Model:
    """QLinearConv with a scale for each output channel and an int32 bias."""
    scale = rng.uniform(0.002, 0.02, shape[0]).astype(np.float32)
    bias = rng.integers(-2000, 2000, shape[0]).astype(np.int32)
    zero = np.zeros(shape[0], np.int8)
    return m.add(
        "QLinearConv",
        _scale(x[0]),
        _u8(x[1]),
        _weights(rng, *shape),
        scale,
        zero,
        _scale(y[0]),
        _u8(y[1]),
        bias,
        **more,
    )


def _cnn(rng: Rng) -> Model:
    m = _conv(_start(3, 9, 8), rng, (6, 3, 3, 3), (0.02, 120), (0.03, 0), pads=[1, 0, 1, 2], strides=[2, 1])
    m.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    return _conv(m, rng, (5, 6, 2, 2), (0.03, 0), (0.4, 100)).dequantize(0.4, 100, "uint8")


def _dense(rng: Rng) -> Model:
    """A requantized product, then the sum with a quantized bias, as onnxruntime's quantizer leaves Gemm."""
    m = _start(24)
    m.add(
        "QLinearMatMul", _scale(0.02), _u8(120), _weights(rng, 24, 10), rng.uniform(0.002, 0.02, 10).astype(np.float32),
        np.zeros(10, np.int8), _scale(0.2), _u8(171),
    )  # fmt: skip
    bias = rng.integers(0, 256, 10).astype(np.uint8)
    m.add("QLinearAdd", bias, _scale(0.0015), _u8(101), "<", _scale(0.2), _u8(171), _scale(0.19), _u8(170), domain=MS)
    return m.dequantize(0.19, 170, "uint8")


def _gemm(rng: Rng, real: bool = False, **attributes: object) -> Model:
    shape = (7, 12) if attributes.get("transB") else (12, 7)
    scale, bias = rng.uniform(0.002, 0.02, 7).astype(np.float32), rng.integers(-3000, 3000, 7).astype(np.int32)
    zero = np.zeros(7, np.int8)
    m = _start(12)
    result = () if real else (_scale(0.3), _u8(118))
    m.add(
        "QGemm", _scale(0.02), _u8(120), _weights(rng, *shape), scale, zero, bias, *result, domain=MS, **attributes
    )  # fmt: skip
    return m if real else m.dequantize(0.3, 118, "uint8")


def _one(m: Model, operator: str, y: tuple[float, int], x: tuple[float, int] = (0.02, 120), **more: object) -> Model:
    parameters = (_scale(x[0]), _u8(x[1]), _scale(y[0]), _u8(y[1]))
    return m.add(operator, *parameters, domain=MS, **more)


def _pooled(rng: Rng) -> Model:
    m = _one(_start(3, 8, 8), "QLinearAveragePool", (0.015, 131), kernel_shape=[2, 2], strides=[2, 2])
    return _one(m, "QLinearGlobalAveragePool", (0.01, 121), (0.015, 131)).dequantize(0.01, 121, "uint8")


def _channels_last(rng: Rng) -> Model:
    m = _one(_start(8, 8, 3), "QLinearAveragePool", (0.015, 131), kernel_shape=[2, 2], strides=[2, 2], channels_last=1)
    m.add("NhwcMaxPool", kernel_shape=[2, 1], domain=MS)
    return m.dequantize(0.015, 131, "uint8")


def _matmul_integer(rng: Rng) -> Model:
    """The static part of what dynamic quantization makes."""
    m = _start(24).add("MatMulInteger", _weights(rng, 24, 10), _u8(120), np.int8(3))
    m.add("Cast", to=TensorProto.FLOAT).add("Mul", rng.uniform(1e-4, 4e-4, 10).astype(np.float32))
    return m.add("Add", rng.normal(0, 1, 10).astype(np.float32)).qdq(0.05, 128, "uint8")


def _conv_integer(rng: Rng) -> Model:
    m = _start(3, 6, 5).add("ConvInteger", _weights(rng, 4, 3, 3, 3), _u8(120), pads=[1, 1, 1, 1])
    m.add("DequantizeLinear", np.float32(2.137e-4))
    return m.qdq(0.05, 128, "uint8")


def _joined(rng: Rng, operator: str) -> Model:
    """Two branches of unlike scales."""
    m = _start(3, 6, 6)
    begin = m.last
    _conv(m, rng, (4, 3, 1, 1), (0.02, 120), (0.05, 100))
    left, m.last = m.last, begin
    _conv(m, rng, (4, 3, 1, 1), (0.02, 120), (0.031, 130))
    result = (_scale(0.061 if operator != "QLinearMul" else 0.3), _u8(117))
    sources = (left, _scale(0.05), _u8(100), "<", _scale(0.031), _u8(130))
    inputs = (*result, *sources) if operator == "QLinearConcat" else (*sources, *result)
    m.add(operator, *inputs, domain=MS, **({"axis": 1} if operator == "QLinearConcat" else {}))
    return m.dequantize(float(result[0]), 117, "uint8")


def _function(rng: Rng, operator: str) -> Model:
    m = _conv(_start(3, 6, 6), rng, (4, 3, 1, 1), (0.02, 120), (0.05, 100))
    y = {"QLinearLeakyRelu": (0.03, 60), "QLinearSigmoid": (1 / 256, 0)}[operator]
    more = {"alpha": 0.3} if operator == "QLinearLeakyRelu" else {}
    return _one(m, operator, y, (0.05, 100), **more).dequantize(*y, "uint8")


CASES: dict[str, Callable[[Rng], Model]] = {
    "conv": _cnn,
    "dense": _dense,
    "gemm": _gemm,
    "gemm transposed, with a factor": lambda r: _gemm(r, transB=1, alpha=0.5),
    "gemm with a real result": lambda r: _gemm(r, real=True),
    "pools": _pooled,
    "sum of branches": lambda r: _joined(r, "QLinearAdd"),
    "product of branches": lambda r: _joined(r, "QLinearMul"),
    "concatenated branches": lambda r: _joined(r, "QLinearConcat"),
    "leaky relu": lambda r: _function(r, "QLinearLeakyRelu"),
    "sigmoid": lambda r: _function(r, "QLinearSigmoid"),
    "matmul of integers": _matmul_integer,
    "conv of integers": _conv_integer,
}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_equals_onnxruntime(case: str, rng: Rng) -> None:
    model = CASES[case](rng).build()
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    x = rng.normal(0, 1.2, (FRAMES, *shape)).astype(np.float32)
    wanted = run(model, x, s8s8=False)
    assert len(np.unique(wanted)) > 20
    got = Reference(load_network(model))(x)
    if case.endswith("integers"):
        # onnxruntime computes in float32 what follows the sums: ties may go either way
        assert np.abs(got - wanted).max() < 0.051
        assert (got != wanted).mean() < 0.01
    else:
        np.testing.assert_array_equal(got, wanted)


def test_channels_last_images(rng: Rng) -> None:
    model = _channels_last(rng).build()
    imported = import_model(model)
    assert imported.output.shape == (3, 4, 3)
    x = rng.normal(0, 1, (5, 8, 8, 3)).astype(np.float32)
    codes = np.clip(np.rint(x / np.float32(0.02)) + 120, 0, 255)
    mean = (codes - 120).reshape(5, 4, 2, 4, 2, 3).mean(axis=(2, 4)) * 0.02
    wanted = np.lib.stride_tricks.sliding_window_view(mean, 2, axis=1).max(axis=-1)
    assert np.abs(evaluate(imported, x) - wanted).max() <= 0.0076


def test_dynamic_quantization_is_refused_once() -> None:
    m = Model(("N", 8)).add("DynamicQuantizeLinear", name="measure")
    m.nodes[-1].output.extend(["scale", "zero"])
    m.add("MatMulInteger", np.ones((8, 3), np.int8), "zero", name="product").add("Cast", to=1).add("Mul", "scale")
    with pytest.raises(InputError) as caught:
        import_model(m.build())
    lines = str(caught.value).splitlines()[1:]
    assert len(lines) == 1
    assert "DynamicQuantizeLinear 'measure': it computes scales from the data" in lines[0]


def test_an_unknown_operator_of_the_domain() -> None:
    m = Model(("N", 3)).add("QAttention", domain=MS, name="q").add("DynamicQuantizeMatMul", domain=MS, name="d")
    with pytest.raises(InputError) as caught:
        import_model(m.build())
    assert "QAttention 'q': the operator com.microsoft.QAttention is not supported; quantize" in str(caught.value)
    assert "DynamicQuantizeMatMul 'd': com.microsoft.DynamicQuantizeMatMul computes scales" in str(caught.value)
