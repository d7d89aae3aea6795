"""What cannot be imported is told completely: every node, its name, why, and what to do."""

import numpy as np
import onnx
import pytest

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from tests.onnx_models import Model


def _message(model: onnx.ModelProto) -> str:
    with pytest.raises(InputError) as caught:
        import_model(model)
    return str(caught.value)


def _weights(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_three_at_once() -> None:
    m = Model(("N", 4, 8, 8))
    m.add("LRN", size=3, name="response").add("Conv", m.const(_weights(4, 4, 1, 3, 3)), name="volume")
    m.add("Relu").add("LpPool", kernel_shape=[2, 2], name="norm")
    message = _message(m.build())
    assert message.startswith("test has 3 nodes that rtlnn cannot use:\n")
    lines = message.splitlines()[1:]
    assert len(lines) == 3
    for line, name, operator, advice in zip(
        lines,
        ("response", "volume", "norm"),
        ("LRN", "Conv", "LpPool"),
        ("use BatchNormalization", "3 dimensions", "use AveragePool or MaxPool"),
        strict=True,
    ):
        assert f"{operator} '{name}':" in line
        assert advice in line


def test_attributes_are_checked_behind_an_unsupported_node() -> None:
    m = Model(("N", 4, 8, 8))
    m.add("LRN", size=3).add("Conv", m.const(_weights(4, 4, 3, 3)), dilations=[2, 0]).add("Flatten")
    m.add("Gemm", m.const(_weights(64, 3)))
    lines = _message(m.build()).splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["LRN", "Conv"]
    assert "dilations (2, 0)" in lines[1]


def test_unknown_domain() -> None:
    m = Model(("N", 4)).add("Magic", domain="com.example", name="spell")
    assert "Magic 'spell': the operator com.example.Magic is not supported" in _message(m.build())


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["weight", "bias"])
def test_weights_that_are_no_numbers(bad: float, place: str) -> None:
    weights, bias = _weights(5, 3), np.zeros(3, np.float32)
    (weights if place == "weight" else bias).flat[2] = bad
    m = Model(("N", 5))
    m.add("Gemm", m.const(weights, "the_weight"), m.const(bias, "the_bias"), name="fc")
    message = _message(m.build())
    assert f"Gemm 'fc': its {place} 'the_{place}' holds 1 values that are NaN or infinite" in message


def test_computed_weights() -> None:
    m = Model(("N", 5))
    m.add("MatMul", "x", name="square")
    assert "MatMul 'square'" in _message(m.build())


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"kernel_shape": [2, 2], "pads": [3, 0, 3, 0], "dilations": [13, 1]}, "without a pixel"),
        ({"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}, "without a pixel"),
        ({"kernel_shape": [9, 9]}, "does not fit"),
        ({"kernel_shape": [2, 2, 2]}, "dimensions"),
    ],
)
def test_pool_attributes(attributes: dict[str, list[int]], words: str) -> None:
    assert words in _message(Model(("N", 3, 8, 8)).add("MaxPool", **attributes).build())


def test_indices_of_a_maximum() -> None:
    m = Model(("N", 3, 8, 8)).add("MaxPool", kernel_shape=[2, 2], name="pool")
    m.nodes[-1].output.append("indices")
    m.nodes.append(onnx.helper.make_node("Cast", ["indices"], ["y"], to=1))
    m.last = "y"
    assert "its further output 'indices' is used" in _message(m.build())


def test_future_definition_of_a_known_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    from rtlnn.frontend import importer

    known = {k: v for k, v in importer.HANDLERS.items() if k[1:] != ("Relu", 14)}
    monkeypatch.setattr(importer, "HANDLERS", known)
    message = _message(Model(("N", 3)).add("Relu").build())
    assert "Relu as defined in opset 17 is not known to this version of rtlnn" in message


def test_malformed_node() -> None:
    m = Model(("N", 3))
    assert "its input 1 is missing" in _message(m.add("MatMul", name="m").build())
    m = Model(("N", 3, 4, 4)).add("Transpose", perm=[0, 1], name="t")
    assert "Transpose 't': it cannot be right" in _message(m.build())
