"""Files that are not what they should be: one clear message each."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from tests.onnx_models import Model, evaluate


def _model(rng: np.random.Generator, opset: int = 17, size: int = 64) -> onnx.ModelProto:
    m = Model(("N", size), opset=opset)
    return m.add("MatMul", m.const(rng.standard_normal((size, 4)).astype(np.float32), "weights")).build()


def _message(source: Path | onnx.ModelProto) -> str:
    with pytest.raises(InputError) as caught:
        import_model(source)
    return str(caught.value)


def test_missing_file_names_the_models_beside_it(tmp_path: Path, rng: np.random.Generator) -> None:
    onnx.save(_model(rng), tmp_path / "lenet.onnx")
    message = _message(tmp_path / "lenet5.onnx")
    assert "lenet5.onnx does not exist" in message
    assert "lenet.onnx" in message


def test_folder(tmp_path: Path) -> None:
    assert "is a folder" in _message(tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    assert "is empty" in _message(tmp_path / "m.onnx")


@pytest.mark.parametrize(
    "content", [b"not a model at all\n" * 20, b"\x89PNG\r\n\x1a\n" + bytes(100), b"PK\x03\x04" * 9]
)
def test_not_onnx(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    assert "is not an ONNX file" in _message(tmp_path / "m.onnx")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_truncated(tmp_path: Path, rng: np.random.Generator, kept: float) -> None:
    data = _model(rng).SerializeToString()
    (tmp_path / "m.onnx").write_bytes(data[: int(len(data) * kept)])
    message = _message(tmp_path / "m.onnx")
    assert "m.onnx is truncated or damaged" in message


def test_truncated_weights(rng: np.random.Generator) -> None:
    model = _model(rng)
    model.graph.initializer[0].raw_data = model.graph.initializer[0].raw_data[:-8]
    assert "weight 'weights' of test is damaged" in _message(model)


def test_damaged_bytes_never_end_in_a_traceback(tmp_path: Path, rng: np.random.Generator) -> None:
    data = _model(rng, size=4).SerializeToString()
    refused = 0
    for _ in range(300):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "m.onnx").write_bytes(damaged)
        try:
            import_model(tmp_path / "m.onnx")
        except InputError:
            refused += 1
    assert refused > 100


def test_external_weights(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(_model(rng), path, save_as_external_data=True, location="m.data", size_threshold=0)
    assert len(import_model(path).graph.nodes) == 1
    (tmp_path / "m.data").rename(tmp_path / "elsewhere")
    message = _message(path)
    assert "m.data" in message
    assert "missing" in message


def test_old_opset() -> None:
    # before opset 7, an attribute said that a constant is broadcast
    m = Model((2, 3), opset=6).add("Relu").add("Add", np.arange(3, dtype=np.float32), broadcast=1)
    x = np.random.default_rng(1).standard_normal((2, 3))
    result = evaluate(import_model(m.build((2, 3))), x)
    np.testing.assert_allclose(result, np.maximum(x, 0) + np.arange(3), rtol=1e-6)
    unknown = Model((2, 3), opset=6).add("Magic").build((2, 3))
    assert "has opset 6, which cannot be converted to 13" in _message(unknown)
    nothing = Model((2, 3), opset=0).add("Relu").build((2, 3))
    assert "has opset none, which cannot be converted to 13" in _message(nothing)


def test_nothing_in_it(tmp_path: Path) -> None:
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [])), tmp_path / "m.onnx")
    assert "has no nodes" in _message(tmp_path / "m.onnx")


def test_local_functions_are_inlined(rng: np.random.Generator) -> None:
    m = Model(("N", 5))
    m.add("Dense", m.const(rng.standard_normal((5, 3)).astype(np.float32)), domain="mine")
    proto = m.build()
    body = onnx.helper.make_node("MatMul", ["a", "b"], ["y"])
    opsets = [onnx.helper.make_opsetid("", 17)]
    proto.functions.append(onnx.helper.make_function("mine", "Dense", ["a", "b"], ["y"], [body], opsets))
    assert [type(n.op).__name__ for n in import_model(proto).graph.nodes] == ["Dense"]
