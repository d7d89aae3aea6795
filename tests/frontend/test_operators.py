"""Every operator, in every form, computes what onnxruntime computes."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from rtlnn.frontend import import_model
from tests.onnx_models import Model, evaluate, run

Rng = np.random.Generator


def _f(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def _conv(m: Model, rng: Rng, shape: tuple[int, ...], bias: bool = True, **attributes: object) -> Model:
    more = [_f(rng, shape[0])] if bias else []
    return m.add("Conv", _f(rng, *shape), *more, **attributes)


def _image(opset: int = 17) -> Model:
    return Model(("N", 3, 7, 6), opset=opset)


def _pixels(opset: int = 17) -> Model:
    """The same image, channels last."""
    return Model(("N", 7, 6, 3), opset=opset)


def _vector(size: int) -> Model:
    return Model(("N", size))


def _bn(m: Model, rng: Rng, channels: int) -> Model:
    gamma, beta, mean = (_f(rng, channels) for _ in range(3))
    return m.add("BatchNormalization", gamma, beta, mean, np.abs(_f(rng, channels)) + 0.1, epsilon=1e-3)


def _keras(rng: Rng) -> Model:
    """A convolution on NCHW between two transpositions."""
    m = _pixels().add("Transpose", perm=[0, 3, 1, 2])
    return _conv(m, rng, (4, 3, 3, 3)).add("Relu").add("Transpose", perm=[0, 2, 3, 1])


def _shape_of_flatten(m: Model, rng: Rng) -> Model:
    """x.view(x.size(0), -1) as older PyTorch exports it."""
    source = m.last
    m.add("Shape").add("Gather", np.int64(0), axis=0).add("Unsqueeze", _ints(0)).add("Concat", _ints(-1), axis=0)
    shape, m.last = m.last, source
    return m.add("Reshape", shape).add("MatMul", _f(rng, 126, 3))


def _weights_through_nodes(rng: Rng) -> Model:
    """Weights from a Constant node, reshaped and transposed, as CNTK and others write them."""
    m = _vector(6)
    m.nodes.append(onnx.helper.make_node("Constant", [], ["w"], value=onnx.numpy_helper.from_array(_f(rng, 4, 3, 2))))
    m.last = "w"
    m.add("Reshape", _ints(4, 6)).add("Transpose", perm=[1, 0])
    weights, m.last = m.last, "x"
    return m.add("MatMul", weights)


CASES: dict[str, Callable[[Rng], Model]] = {
    "conv": lambda r: _conv(_image(), r, (4, 3, 3, 3), pads=[1, 0, 2, 1], strides=[2, 1]),
    "conv no bias": lambda r: _conv(_image(), r, (4, 3, 1, 2), bias=False),
    "conv same upper": lambda r: _conv(_image(), r, (2, 3, 2, 4), auto_pad="SAME_UPPER", strides=[2, 2]),
    "conv same lower": lambda r: _conv(_image(), r, (2, 3, 2, 4), auto_pad="SAME_LOWER", strides=[1, 3]),
    "conv valid": lambda r: _conv(_image(), r, (2, 3, 3, 3), auto_pad="VALID"),
    "conv 1d": lambda r: _conv(Model(("N", 3, 9)), r, (4, 3, 3), pads=[2, 1], strides=[2]),
    "conv opset 8": lambda r: _conv(_image(8), r, (2, 3, 3, 3)),
    "conv opset 23": lambda r: _conv(_image(23), r, (2, 3, 3, 3)),
    "conv whole image": lambda r: _conv(_image(), r, (5, 3, 7, 6)).add("Flatten"),
    "max pool": lambda r: _image().add("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1]),
    "max pool opset 8": lambda r: _image(8).add("MaxPool", kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
    "max pool 1d": lambda r: Model(("N", 3, 9)).add("MaxPool", kernel_shape=[2], strides=[2]),
    "max pool ceil without effect": lambda r: _image().add("MaxPool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
    "average pool": lambda r: _image().add("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    "average pool with pads counted": lambda r: _image().add(
        "AveragePool", kernel_shape=[2, 3], pads=[1, 0, 0, 1], count_include_pad=1
    ),
    "global average": lambda r: _image().add("GlobalAveragePool").add("Flatten"),
    "mean of pixels": lambda r: _image(13).add("ReduceMean", axes=[2, 3], keepdims=0),
    "mean of pixels, axes as input": lambda r: _image(18).add("ReduceMean", _ints(-1, -2), keepdims=1),
    "mean of NHWC pixels": lambda r: _pixels(13).add("ReduceMean", axes=[1, 2], keepdims=0),
    "relu": lambda r: _image().add("Relu"),
    "clip attributes": lambda r: _image(8).add("Clip", min=-0.5, max=0.75),
    "clip inputs": lambda r: _image().add("Clip", "", np.float32(0.5)),
    "batch norm": lambda r: _bn(_image(), r, 3),
    "batch norm opset 8": lambda r: _bn(_image(8), r, 3),
    "batch norm of a vector": lambda r: _bn(_vector(5), r, 5),
    "per channel arithmetic": lambda r: (
        _image().add("Sub", _f(r, 3, 1, 1)).add("Div", np.float32([[[2]], [[3]], [[-5]]]))
    ),
    "constant first": lambda r: _image().add("Mul", np.float32(2.5), "<").add("Sub", np.float32(1), "<"),
    "per element arithmetic": lambda r: _image().add("Add", _f(r, 3, 7, 6)),
    "negation": lambda r: _image().add("Neg"),
    "flatten then dense": lambda r: _image().add("Flatten").add("Gemm", _f(r, 4, 126), _f(r, 4), transB=1),
    "gemm with factors": lambda r: _vector(5).add("Gemm", _f(r, 5, 4), _f(r, 1, 4), alpha=0.5, beta=-2.0),
    "gemm transposed input": lambda r: Model((1, 5)).add("Transpose", perm=[1, 0]).add("Gemm", _f(r, 5, 4), transA=1),
    "matmul, add": lambda r: _vector(5).add("MatMul", _f(r, 5, 4)).add("Add", _f(r, 4), "<"),
    "matmul over pixels": lambda r: _pixels().add("MatMul", _f(r, 3, 4)).add("Add", _f(r, 4)),
    "matmul over steps": lambda r: Model(("N", 6, 3)).add("MatMul", _f(r, 3, 4)),
    "reshape": lambda r: _image().add("Reshape", _ints(0, -1)).add("MatMul", _f(r, 126, 3)),
    "reshape to an image": lambda r: _conv(_vector(24).add("Reshape", _ints(-1, 1, 6, 4)), r, (2, 1, 3, 3)),
    "pytorch's flatten": lambda r: _shape_of_flatten(_image(), r),
    "squeeze attributes": lambda r: _image(11).add("GlobalAveragePool").add("Squeeze", axes=[2, 3]),
    "squeeze inputs": lambda r: _image().add("GlobalAveragePool").add("Squeeze", _ints(2, 3)),
    "unsqueeze attributes": lambda r: _conv(Model(("N", 8, 6), opset=11).add("Unsqueeze", axes=[1]), r, (2, 1, 3, 3)),
    "unsqueeze inputs": lambda r: _conv(Model(("N", 8, 6)).add("Unsqueeze", _ints(1)), r, (2, 1, 3, 3)),
    "identity, dropout, cast": lambda r: _image().add("Identity").add("Dropout").add("Cast", to=1),
    "keras: NHWC outside": _keras,
    "keras: flatten NHWC": lambda r: _keras(r).add("Flatten").add("MatMul", _f(r, 80, 3)),
    "softmax": lambda r: _vector(9).add("Softmax"),
    "softmax before opset 13": lambda r: Model(("N", 3, 2, 2), opset=11).add("Softmax", axis=1),
    "softmax of pixels": lambda r: _image().add("Softmax", axis=1),
    "log softmax": lambda r: _vector(9).add("LogSoftmax", axis=-1),
    "sigmoid": lambda r: _vector(9).add("Sigmoid"),
    "tanh, softplus, softsign": lambda r: _vector(9).add("Tanh").add("Softplus").add("Softsign"),
    "elu, selu, celu": lambda r: _vector(9).add("Elu", alpha=0.7).add("Selu").add("Celu", alpha=1.7),
    "leaky and thresholded relu": lambda r: _vector(9).add("LeakyRelu", alpha=0.2).add("ThresholdedRelu", alpha=0.1),
    "hard sigmoid, hard swish": lambda r: _vector(9).add("HardSwish").add("HardSigmoid", alpha=0.4, beta=0.1),
    "mish, gelu": lambda r: Model(("N", 9), opset=20).add("Mish").add("Gelu").add("Gelu", approximate="tanh"),
    "error function, exponential, absolute value": lambda r: _vector(9).add("Erf").add("Abs").add("Exp"),
    "prelu by channel": lambda r: _image().add("PRelu", _f(r, 3, 1, 1)),
    "prelu by element": lambda r: _image().add("PRelu", _f(r, 3, 7, 6)),
    "prelu with one slope": lambda r: _image().add("PRelu", _f(r, 1)),
    "uint8 image": lambda r: _conv(
        Model(("N", 3, 7, 6), input_type=onnx.TensorProto.UINT8).add("Cast", to=1).add("Mul", np.float32(1 / 255)),
        r,
        (2, 3, 3, 3),
    ),
    "weights through nodes": _weights_through_nodes,
}


def _input(model: onnx.ModelProto, rng: Rng, frames: int = 3) -> np.ndarray:
    kind = model.graph.input[0].type.tensor_type
    shape = [d.dim_value for d in kind.shape.dim[1:]]
    if model.graph.input[0].type.tensor_type.shape.dim[0].dim_value:
        frames = 1
    if kind.elem_type == onnx.TensorProto.UINT8:
        return rng.integers(0, 256, (frames, *shape)).astype(np.uint8)
    return _f(rng, frames, *shape)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_operator_equals_onnxruntime(case: str, rng: Rng) -> None:
    proto = CASES[case](rng).build()
    imported = import_model(proto)
    x = _input(proto, rng)
    got, wanted = evaluate(imported, x), run(proto, x)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_layout_operators_leave_no_node(rng: Rng) -> None:
    ops = [type(n.op).__name__ for n in import_model(CASES["keras: flatten NHWC"](rng).build()).graph.nodes]
    assert ops == ["Conv2D", "Clip", "Reshape", "Dense"]


def test_fixed_batch_is_imported_frame_by_frame(rng: Rng) -> None:
    proto = Model((4, 2, 3, 3)).add("Reshape", _ints(4, 18)).add("MatMul", _f(rng, 18, 5)).build()
    x = _f(rng, 4, 2, 3, 3)
    np.testing.assert_allclose(evaluate(import_model(proto), x), run(proto, x), rtol=1e-4, atol=1e-5)


def test_every_opset_that_is_read(rng: Rng) -> None:
    for opset in range(8, onnx.defs.onnx_opset_version() + 1):
        m = _conv(_image(opset), rng, (2, 3, 3, 3)).add("Relu").add("MaxPool", kernel_shape=[2, 2]).add("Flatten")
        m.add("Gemm", _f(rng, 24, 3), _f(rng, 3))
        ops = [type(n.op).__name__ for n in import_model(m.build()).graph.nodes]
        assert ops == ["Conv2D", "Clip", "MaxPool2D", "Reshape", "Dense"], opset


def test_names_are_the_models_and_unique(rng: Rng) -> None:
    m = _vector(5)
    for name in ("dense", "dense", ""):
        m.add("MatMul", _f(rng, 5, 5), name=name)
    assert [n.name for n in import_model(m.build()).graph.nodes] == ["dense", "dense_2", "MatMul_2"]
