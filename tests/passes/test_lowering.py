"""Quantized models become integers that equal onnxruntime's integer kernels on every value."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.ir.network import Network
from rtlnn.load import load_network
from rtlnn.ops import Conv2D, Precision, Requantize
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator
FRAMES = 64


def _image(dtype: str) -> Model:
    m = Model(("N", 3, 9, 8))
    return m.qdq(0.02, 128 if dtype == "uint8" else -3, dtype)


def _layer(
    m: Model,
    rng: Rng,
    shape: tuple[int, ...],
    x_scale: float,
    operator: str = "Conv",
    per_channel: bool = True,
    **attributes: object,
) -> Model:
    """A layer with int8 weights and an int32 bias."""
    out = shape[0]
    w = rng.integers(-127, 128, shape).astype(np.int8)
    scale = rng.uniform(0.002, 0.02, out if per_channel else ()).astype(np.float32)
    bias = rng.integers(-2000, 2000, out).astype(np.int32)
    inputs = (m.integers(w, scale), m.integers(bias, np.float32(x_scale) * scale))
    return m.add(operator, *inputs, **attributes)


def _cnn(rng: Rng, dtype: str) -> Model:
    zero = 0 if dtype == "uint8" else -128
    m = _layer(_image(dtype), rng, (6, 3, 3, 3), 0.02, pads=[1, 0, 1, 2], strides=[2, 1]).add("Relu")
    m.qdq(0.031, zero, dtype).add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).qdq(0.031, zero, dtype)
    m = _layer(m, rng, (5, 6, 2, 2), 0.031, per_channel=False).qdq(0.4, 100 if dtype == "uint8" else 7, dtype)
    m.add("Flatten").qdq(0.4, 100 if dtype == "uint8" else 7, dtype)
    return _layer(m, rng, (4, 15), 0.4, "Gemm", per_channel=False, transB=1).qdq(
        2.5, 120 if dtype == "uint8" else 0, dtype
    )


def _average(rng: Rng, dtype: str) -> Model:
    m = _layer(_image(dtype), rng, (6, 3, 3, 3), 0.02).add("Relu")
    m.qdq(0.05, 0 if dtype == "uint8" else -128, dtype)
    m.add("AveragePool", kernel_shape=[3, 2], strides=[2, 2]).qdq(0.043, 1 if dtype == "uint8" else -100, dtype)
    return m.add("GlobalAveragePool").qdq(0.02, 3 if dtype == "uint8" else -20, dtype)


def _mlp(rng: Rng, dtype: str) -> Model:
    """MatMul and Add of a dequantized bias, as TFLite converters write dense layers."""
    m = Model(("N", 24)).qdq(0.05, 3 if dtype == "int8" else 130, dtype)
    for k, n, x, y, relu in ((24, 16, 0.05, 0.06, True), (16, 10, 0.06, 0.3, False)):
        w = rng.integers(-127, 128, (k, n)).astype(np.int8)
        bias = rng.integers(-3000, 3000, n).astype(np.int32)
        m.add("MatMul", m.integers(w, 0.01)).add("Add", m.integers(bias, np.float32(x) * np.float32(0.01)))
        if relu:
            m.add("Relu")
        low = {"int8": -128, "uint8": 0}[dtype]
        m.qdq(y, low if relu else low + 128, dtype)
    return m


MODELS: dict[str, Callable[[Rng, str], Model]] = {"cnn": _cnn, "average": _average, "mlp": _mlp}


def _data(rng: Rng, model: onnx.ModelProto) -> np.ndarray:
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    return rng.normal(0, 1.2, (FRAMES, *shape)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("name", MODELS)
def test_equals_onnxruntime(name: str, dtype: str, rng: Rng) -> None:
    model = MODELS[name](rng, dtype).build()
    x = _data(rng, model)
    wanted = run(model, x, s8s8=dtype == "int8")
    got = Reference(load_network(model))(x)
    assert len(np.unique(wanted)) > 20
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("fault", ["weight", "zero point of the padding", "multiplier"])
def test_a_planted_fault_is_seen(fault: str, rng: Rng) -> None:
    model = _cnn(rng, "int8").build()
    x = _data(rng, model)
    net = load_network(model)
    conv = next(n for n in net.core.nodes if isinstance(n.op, Conv2D))
    requantize = next(n for n in net.core.nodes if isinstance(n.op, Requantize))
    core = net.core
    if fault == "weight":
        weights = core.constants[conv.inputs[1]].copy()
        weights[0, 0, 0, 0] ^= 4
        core = replace(core, constants={**core.constants, conv.inputs[1]: weights})
    elif fault == "multiplier":
        m = core.constants[requantize.inputs[1]] * 1.001
        core = replace(core, constants={**core.constants, requantize.inputs[1]: m.astype(np.int64)})
    else:
        wrong = replace(conv, op=replace(conv.op, x_zero=0))
        core = replace(core, nodes=tuple(wrong if n is conv else n for n in core.nodes))
    got = Reference(replace(net, core=core))(x)
    assert (got != run(model, x)).any()


def test_fast_precision_is_within_one_step(rng: Rng) -> None:
    model = _mlp(rng, "int8").build()
    x = _data(rng, model)
    exact, fast = (Reference(load_network(model, precision=p))(x) for p in (Precision.EXACT, Precision.FAST))
    assert np.abs(exact - fast).max() <= 2 * 0.3
    assert (exact != fast).mean() < 0.02
    for node in load_network(model, precision=Precision.FAST).core.nodes:
        if isinstance(node.op, Requantize):
            assert node.op.precision is Precision.FAST


def _kinds(net: Network) -> list[str]:
    return [type(n.op).__name__ for n in net.core.nodes]


def test_integer_input_and_output_need_no_host(rng: Rng) -> None:
    m = Model(("N", 24), input_type=TensorProto.INT8).dequantize(0.05, 3)
    m = _layer(m, rng, (4, 24), 0.05, "Gemm", per_channel=False, transB=1).quantize(0.9, -4)
    model = m.build(output_type=TensorProto.INT8)
    x = rng.integers(-128, 128, (FRAMES, 24)).astype(np.int8)
    net = load_network(model)
    assert not net.head.nodes
    assert not net.tail.nodes
    assert net.core.types[net.core.inputs[0]].fixed.zero_point == 3
    got = Reference(net)(x)
    assert got.dtype == np.int8
    np.testing.assert_array_equal(got, run(model, x))


def test_real_output_without_a_last_quantization(rng: Rng) -> None:
    m = _layer(Model(("N", 24)).qdq(0.05, 3), rng, (4, 24), 0.05, "Gemm", transB=1)
    model = m.build()
    net = load_network(model)
    assert _kinds(net) == ["Dense"]
    x = _data(rng, model)
    np.testing.assert_allclose(Reference(net)(x), run(model, x), rtol=1e-5, atol=1e-5)


def test_softmax_and_normalization_are_the_hosts(rng: Rng) -> None:
    m = Model(("N", 24))
    m.add("Sub", m.const(np.float32(0.5))).add("Div", m.const(np.float32(0.25))).qdq(0.05, 3)
    m = _layer(m, rng, (4, 24), 0.05, "Gemm", transB=1).qdq(0.7, 0).add("Softmax")
    model = m.build()
    net = load_network(model)
    assert [type(n.op).__name__ for n in net.head.nodes] == ["Affine", "Affine", "Quantize"]
    assert [type(n.op).__name__ for n in net.tail.nodes] == ["Dequantize", "Softmax"]
    x = _data(rng, model)
    np.testing.assert_allclose(Reference(net)(x), run(model, x), atol=1e-6)


def test_int8_softmax_output(rng: Rng) -> None:
    m = _layer(Model(("N", 24)).qdq(0.05, 3), rng, (4, 24), 0.05, "Gemm", transB=1).qdq(0.7, 0)
    model = m.add("Softmax").quantize(1 / 256, -128).build(output_type=TensorProto.INT8)
    net = load_network(model)
    assert [type(n.op).__name__ for n in net.tail.nodes] == ["Dequantize", "Softmax", "Quantize"]
    x = _data(rng, model)
    assert np.abs(Reference(net)(x).astype(int) - run(model, x)).max() <= 1


def test_relu_at_the_lowest_code_and_pools_of_codes_cost_nothing(rng: Rng) -> None:
    m = _layer(_image("int8"), rng, (6, 3, 3, 3), 0.02).add("Relu").qdq(0.05, -128)
    m.add("Relu").qdq(0.05, -128).add("MaxPool", kernel_shape=[2, 2]).qdq(0.05, -128)
    net = load_network(m.build())
    assert _kinds(net) == ["Conv2D", "Requantize", "MaxPool2D"]


def test_relu6_becomes_a_clip_bound(rng: Rng) -> None:
    m = _layer(_image("int8"), rng, (6, 3, 3, 3), 0.02)
    m.add("Clip", m.const(np.float32(0)), m.const(np.float32(6))).qdq(0.1, -20)
    model = m.build()
    op = next(n.op for n in load_network(model).core.nodes if isinstance(n.op, Requantize))
    assert (op.lo, op.hi) == (-20, 40)
    x = _data(rng, model)
    np.testing.assert_array_equal(Reference(load_network(model))(x), run(model, x))


@pytest.mark.parametrize("zero", [-128, 0, 5])
def test_activation_behind_its_layers_quantization(zero: int, rng: Rng) -> None:
    m = _layer(_image("int8"), rng, (6, 3, 3, 3), 0.02).qdq(0.05, 0).add("Relu").qdq(0.05, zero)
    model = m.build()
    net = load_network(model)
    assert _kinds(net) == ["Conv2D", "Requantize"]
    x = _data(rng, model)
    np.testing.assert_array_equal(Reference(net)(x), run(model, x, optimized=zero == 0))


def test_requantization_between_scales(rng: Rng) -> None:
    m = Model(("N", 24)).qdq(0.05, 3).qdq(0.07, -9)
    model = m.build()
    x = _data(rng, model)
    # optimized, onnxruntime drops the second pair, and with it a rounding
    np.testing.assert_array_equal(Reference(load_network(model))(x), run(model, x, optimized=False))


def test_pool_before_the_quantization_works_on_accumulators(rng: Rng) -> None:
    m = _layer(_image("int8"), rng, (6, 3, 3, 3), 0.02).add("Relu").add("MaxPool", kernel_shape=[2, 2]).qdq(0.05, -128)
    model = m.build()
    assert _kinds(load_network(model)) == ["Conv2D", "MaxPool2D", "Requantize"]
    x = _data(rng, model)
    got, wanted = Reference(load_network(model))(x), run(model, x)
    assert (got != wanted).mean() < 1e-4


def test_negative_gamma_behind_a_pool_goes_into_the_requantization(rng: Rng) -> None:
    gamma = np.array([1.5, -0.5, 0.25, -2, 1, -1], np.float32)
    m = _layer(_image("int8"), rng, (6, 3, 3, 3), 0.02).add("MaxPool", kernel_shape=[2, 2])
    constants = (gamma, *(rng.standard_normal(6).astype(np.float32) for _ in range(2)), np.ones(6, np.float32))
    m.add("BatchNormalization", *(m.const(c) for c in constants)).add("Relu").qdq(0.05, -128)
    model = m.build()
    net = load_network(model)
    assert _kinds(net) == ["Conv2D", "MaxPool2D", "Requantize"]
    multiplier = net.core.constants[net.core.nodes[2].inputs[1]]
    np.testing.assert_array_equal(np.sign(multiplier), np.sign(gamma))
    x = _data(rng, model)
    got, wanted = Reference(net)(x), run(model, x)
    assert (got != wanted).mean() < 1e-4
    assert np.abs(got - wanted).max() <= 0.0501


def test_asymmetric_weights(rng: Rng) -> None:
    m = Model(("N", 24)).qdq(0.05, 3)
    w = m.const(rng.integers(0, 256, (24, 5)).astype(np.uint8))
    m.nodes.append(
        onnx.helper.make_node(
            "DequantizeLinear", [w, m.const(np.float32(0.01)), m.const(np.uint8(117))], ["w"], name="w"
        )
    )
    model = m.add("MatMul", "w").qdq(0.3, 0).build()
    x = _data(rng, model)
    got = Reference(load_network(model))(x)
    wanted = run(model, x, s8s8=False)
    assert (got != wanted).mean() < 1e-2


def test_float_bias_is_rounded_into_the_accumulators(rng: Rng) -> None:
    m = Model(("N", 24)).qdq(0.05, 3)
    w = m.integers(rng.integers(-127, 128, (4, 24)).astype(np.int8), rng.uniform(0.002, 0.02, 4))
    m.add("Gemm", w, m.const(rng.standard_normal(4).astype(np.float32)), transB=1).qdq(0.2, 1)
    model = m.build()
    net = load_network(model)
    assert [len(n.inputs) for n in net.core.nodes] == [3, 3]
    x = _data(rng, model)
    np.testing.assert_array_equal(Reference(net)(x), run(model, x))


@pytest.mark.parametrize("missing", ["input", "between", "weights"])
def test_missing_quantization_names_the_node(missing: str, rng: Rng) -> None:
    m = Model(("N", 3, 9, 8))
    if missing != "input":
        m.qdq(0.02, 0)
    m = _layer(m, rng, (6, 3, 3, 3), 0.02, name="first").add("Relu")
    if missing != "between":
        m.qdq(0.05, -128)
    if missing == "weights":
        m.add("Conv", rng.standard_normal((2, 6, 3, 3)).astype(np.float32), name="second")
    else:
        m = _layer(m, rng, (2, 6, 3, 3), 0.05, name="second")
    m.qdq(0.4, 0)
    name = "first" if missing == "input" else "second"
    what = "weights are" if missing == "weights" else "input is"
    with pytest.raises(InputError, match=rf"node '{name}' \(Conv2D\): its {what} not quantized; .*rtlnn quantize"):
        load_network(m.build())


def test_softmax_in_the_middle(rng: Rng) -> None:
    m = _layer(Model(("N", 24)).qdq(0.05, 3), rng, (4, 24), 0.05, "Gemm", transB=1).qdq(0.7, 0).add("Softmax")
    m.qdq(1 / 256, -128)
    m = _layer(m, rng, (4, 4), 1 / 256, "Gemm", transB=1, name="late").qdq(0.7, 0)
    with pytest.raises(InputError, match=r"node 'late'.*only the host can do"):
        load_network(m.build())


def test_values_keep_the_models_names(rng: Rng) -> None:
    model = _mlp(rng, "int8").build()
    quantized = [n.output[0] for n in model.graph.node if n.op_type == "QuantizeLinear"]
    core = load_network(model).core
    assert [core.inputs[0], *(n.output for n in core.nodes if isinstance(n.op, Requantize))] == quantized
    assert set(quantized) <= set(import_model(model).tensors)
