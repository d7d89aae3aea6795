"""Convolutions and pools with every attribute compute what onnxruntime computes."""

from collections.abc import Callable

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.frontend.writer import write_model
from tests.onnx_models import Model, evaluate, run

Rng = np.random.Generator


def _f(rng: Rng, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def _image(opset: int = 17) -> Model:
    return Model(("N", 6, 7, 8), opset=opset)


def _series() -> Model:
    return Model(("N", 4, 11))


def _conv(m: Model, rng: Rng, *shape: int, operator: str = "Conv", **attributes: object) -> Model:
    outputs = shape[1] * int(str(attributes.get("group", 1))) if operator == "ConvTranspose" else shape[0]
    return m.add(operator, _f(rng, *shape), _f(rng, outputs), **attributes)


def _up(m: Model, rng: Rng, *shape: int, **attributes: object) -> Model:
    return _conv(m, rng, *shape, operator="ConvTranspose", **attributes)


CASES: dict[str, Callable[[Rng], Model]] = {
    "depthwise": lambda r: _conv(_image(), r, 6, 1, 3, 3, group=6, pads=[1, 1, 1, 1]),
    "depthwise, multiplier of 2": lambda r: _conv(_image(), r, 12, 1, 2, 3, group=6, strides=[2, 1]),
    "groups": lambda r: _conv(_image(), r, 9, 2, 3, 3, group=3, dilations=[2, 1]),
    "dilated": lambda r: _conv(_image(), r, 4, 6, 2, 3, dilations=[3, 2], pads=[1, 2, 3, 0], strides=[2, 1]),
    "dilated, valid": lambda r: _conv(_image(), r, 4, 6, 3, 2, dilations=[2, 3], auto_pad="VALID"),
    "sequence": lambda r: _conv(_series(), r, 5, 4, 3, pads=[4, 0], dilations=[2]),
    "sequence, depthwise, same upper": lambda r: _conv(
        _series(), r, 4, 1, 4, group=4, strides=[3], auto_pad="SAME_UPPER"
    ),
    "transposed": lambda r: _up(_image(), r, 6, 5, 3, 3, strides=[2, 3]),
    "transposed, cropped": lambda r: _up(_image(), r, 6, 5, 3, 2, strides=[2, 1], pads=[2, 1, 1, 0]),
    "transposed, cropped beyond the kernel": lambda r: _up(_image(), r, 6, 2, 2, 2, strides=[3, 2], pads=[2, 3, 4, 2]),
    "transposed, more output": lambda r: _up(_image(), r, 6, 5, 3, 3, strides=[2, 3], output_padding=[1, 2]),
    "transposed groups, dilated": lambda r: _up(_image(), r, 6, 3, 2, 3, group=2, dilations=[2, 2], pads=[1, 0, 0, 1]),
    "transposed, same upper": lambda r: _up(_image(), r, 6, 2, 4, 3, strides=[2, 2], auto_pad="SAME_UPPER"),
    "transposed, same lower": lambda r: _up(_image(), r, 6, 2, 3, 4, strides=[2, 3], auto_pad="SAME_LOWER"),
    "transposed, given size": lambda r: _up(_image(), r, 6, 2, 3, 3, strides=[2, 2], output_shape=[14, 18]),
    "transposed sequence": lambda r: _up(_series(), r, 4, 3, 4, strides=[2], pads=[1, 2]),
    "max pool, dilated": lambda r: _image().add("MaxPool", kernel_shape=[2, 3], dilations=[3, 2], pads=[0, 2, 1, 1]),
    "max pool, rounded up": lambda r: _image().add("MaxPool", kernel_shape=[3, 3], strides=[3, 2], ceil_mode=1),
    "max pool, rounded up, but not behind the image": lambda r: _image().add(
        "MaxPool", kernel_shape=[2, 2], strides=[3, 5], pads=[1, 1, 1, 1], ceil_mode=1
    ),
    "max pool, rounded up, dilated": lambda r: _image().add(
        "MaxPool", kernel_shape=[2, 2], strides=[2, 3], dilations=[2, 3], ceil_mode=1
    ),
    "max pool of a sequence": lambda r: _series().add("MaxPool", kernel_shape=[3], strides=[3], ceil_mode=1),
    "average, rounded up": lambda r: _image().add(
        "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 0], ceil_mode=1
    ),
    "average, rounded up, pads counted": lambda r: _image(19).add(
        "AveragePool", kernel_shape=[3, 3], strides=[3, 2], pads=[1, 1, 1, 0], ceil_mode=1, count_include_pad=1
    ),
    "average, dilated": lambda r: _image(19).add(
        "AveragePool", kernel_shape=[2, 3], dilations=[2, 2], pads=[1, 2, 1, 0]
    ),
    "average, same upper": lambda r: _image().add(
        "AveragePool", kernel_shape=[2, 4], strides=[2, 3], auto_pad="SAME_UPPER"
    ),
    "average of a sequence, pads counted": lambda r: _series().add(
        "AveragePool", kernel_shape=[4], strides=[2], pads=[2, 1], count_include_pad=1
    ),
    "global maximum": lambda r: _image().add("GlobalMaxPool").add("Flatten"),
    "global maximum of a sequence": lambda r: _series().add("GlobalMaxPool"),
    "largest pixels": lambda r: _image(13).add("ReduceMax", axes=[2, 3], keepdims=0),
    "sum of pixels": lambda r: _image(13).add("ReduceSum", np.array([2, 3], np.int64), keepdims=1),
}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.replace(" ", "-"))
def test_equals_onnxruntime(case: str, rng: Rng) -> None:
    proto = CASES[case](rng).build()
    imported = import_model(proto)
    x = _f(rng, 3, *(d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim[1:]))
    got, wanted = evaluate(imported, x), run(proto, x)
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "case", [n for n in CASES if not n.startswith("transposed") and n not in ("average, dilated", "sum of pixels")]
)
def test_writes_what_it_reads(case: str, rng: Rng) -> None:
    proto = CASES[case](rng).build()
    imported = import_model(proto)
    written = import_model(write_model(imported, imported.graph))
    x = _f(rng, 2, *(d.dim_value for d in proto.graph.input[0].type.tensor_type.shape.dim[1:]))
    np.testing.assert_allclose(evaluate(written, x), evaluate(imported, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("operator", "shape", "attributes", "words"),
    [
        ("Conv", (4, 6, 3, 3), {"group": 4}, "4 groups do not divide 6 channels"),
        ("Conv", (4, 6, 3, 3), {"dilations": [0, 1]}, "are not 2 positive numbers"),
        ("Conv", (4, 6, 3, 3, 3), {}, "3 dimensions"),
        ("Conv", (4, 6, 3, 3), {"pads": [1, 1]}, "are not 4 numbers"),
        ("ConvTranspose", (6, 4, 3, 3), {"pads": [9, 9, 9, 9]}, "output would be of size"),
        ("ConvTranspose", (6, 4, 3, 3), {"output_padding": [1, -1]}, "output_padding is"),
    ],
)
def test_attributes_that_make_no_sense(
    operator: str, shape: tuple[int, ...], attributes: dict[str, object], words: str, rng: Rng
) -> None:
    with pytest.raises(InputError, match=words):
        import_model(_image().add(operator, _f(rng, *shape), **attributes).build())
