"""Post-training quantization: accuracy, standard files, one design from both files, and bad calibration data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.load import RANDOM_NOTE, load_network
from rtlnn.ops import Conv2D, Dense, Requantize, Thresholds
from rtlnn.ops.serialize import save_network
from rtlnn.quantization import Calibration, quantize_model
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator


def _f(rng: Rng, *shape: int) -> np.ndarray:
    return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


def _cnn(rng: Rng, batch: int | str = "N") -> onnx.ModelProto:
    m = Model((batch, 3, 10, 10)).add("Sub", np.float32([[[0.1]], [[0.2]], [[0.3]]]))
    m.add("Conv", _f(rng, 8, 3, 3, 3), _f(rng, 8), pads=[1, 1, 1, 1])
    m.add("BatchNormalization", _f(rng, 8) * 8, _f(rng, 8), _f(rng, 8), np.abs(_f(rng, 8)) + 0.5)
    m.add("Relu").add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    m.add("Conv", _f(rng, 6, 8, 2, 2), _f(rng, 6)).add("Relu")
    m.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]).add("Flatten")
    return m.add("Gemm", _f(rng, 5, 24), _f(rng, 5), transB=1).add("Softmax").build(["N", 5])


def _data(rng: Rng, n: int = 100) -> np.ndarray:
    return rng.normal(0, 1, (n, 3, 10, 10)).astype(np.float32)


def test_quantized_model_is_close_to_the_float_one(rng: Rng) -> None:
    model, data = _cnn(rng), _data(rng)
    exact, got = run(model, data), Reference(load_network(model, data))(data)
    assert np.abs(exact - got).max() < 0.02
    assert (exact.argmax(1) == got.argmax(1)).mean() > 0.95


def test_onnxruntime_runs_it_and_agrees(rng: Rng) -> None:
    model, data = _cnn(rng), _data(rng)
    quantized = quantize_model(model, data)
    onnx.checker.check_model(quantized, full_check=True)
    assert quantized.ir_version <= 10
    assert [o.version for o in quantized.opset_import] == [17]
    ours = Reference(load_network(quantized))(data)
    theirs = run(quantized, data, s8s8=False)
    # where int8 meets uint8, onnxruntime computes in float: one step of the last tensor at most
    assert np.abs(ours - theirs).max() < 0.01


def test_input_and_output_are_the_originals(rng: Rng) -> None:
    for batch in ("N", 1):
        model = _cnn(rng, batch)
        quantized = quantize_model(model, _data(rng))
        assert quantized.graph.input == model.graph.input
        assert quantized.graph.output[0].name == model.graph.output[0].name


def test_formats_are_as_promised(rng: Rng) -> None:
    quantized = quantize_model(_cnn(rng), _data(rng))
    stored = {t.name: numpy_helper.to_array(t) for t in quantized.graph.initializer}
    layers = {n.output[0]: n for n in quantized.graph.node}
    for node in quantized.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            weights, bias = (layers[i] for i in node.input[1:])
            w, scale = stored[weights.input[0]], stored[weights.input[1]]
            assert w.dtype == np.int8
            assert w.min() >= -127
            assert np.abs(w.reshape(len(w), -1)).max(1).tolist() == [127] * len(w)
            assert scale.shape == (len(w),)
            x_scale = stored[layers[node.input[0]].input[1]]
            np.testing.assert_array_equal(stored[bias.input[1]], x_scale * scale)
            assert stored[bias.input[0]].dtype == np.int32
    activations = {n.input[0]: stored[n.input[2]] for n in quantized.graph.node if n.op_type == "QuantizeLinear"}
    assert len(activations) == 7
    for name, zero in activations.items():
        behind_relu = layers[name].op_type not in ("Sub", "Add", "Gemm")
        assert zero.dtype == (np.uint8 if behind_relu else np.int8), name
        assert zero == 0 or not behind_relu
    parameters = [
        i for n in quantized.graph.node if "Quantize" in n.op_type or "Dequantize" in n.op_type for i in n.input[1:]
    ]
    assert len(parameters) == len(set(parameters)), "onnxruntime fuses only nodes with parameters of their own"


@pytest.mark.parametrize("bits", [7, 4])
def test_fewer_bits(bits: int, rng: Rng) -> None:
    """Weights and activations are narrower in hardware, and onnxruntime computes the same from the file."""
    m = Model(("N", 3, 10, 10)).add("Conv", _f(rng, 8, 3, 3, 3), _f(rng, 8)).add("Relu")
    m.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).add("Conv", _f(rng, 6, 8, 2, 2), _f(rng, 6))
    model, data = m.add("Flatten").add("Gemm", _f(rng, 5, 54), _f(rng, 5), transB=1).build(["N", 5]), _data(rng)
    quantized = quantize_model(model, data, bits=bits)
    network = load_network(quantized)
    core = network.core
    hidden = [
        n.output for n in core.nodes if isinstance(n.op, (Requantize, Thresholds)) and n.output not in core.outputs
    ]
    assert [core.types[v].fixed.bits for v in (*core.inputs, *hidden)] == [8, bits, bits]
    largest = (1 << (bits - 1)) - 1
    weights = [core.constants[n.inputs[1]] for n in core.nodes if isinstance(n.op, (Conv2D, Dense))]
    assert [(w.min() >= -largest, np.abs(w).max()) for w in weights] == [(True, largest)] * 3
    ours, theirs = Reference(network)(data), run(quantized, data, s8s8=False)
    step = core.types[core.outputs[0]].fixed.one_scale
    assert np.abs(ours - theirs).max() < 1.01 * step
    assert np.abs(run(model, data) - ours).max() < 5 * step


def test_bits_that_no_format_has(rng: Rng) -> None:
    with pytest.raises(InputError, match="cannot have 17 bits; give 1 to 16"):
        quantize_model(_cnn(rng), _data(rng), bits=17)


def _bytes(network: object, path: Path) -> bytes:
    save_network(network, path)  # type: ignore[arg-type]
    return path.read_bytes()


def test_both_files_give_one_design(tmp_path: Path, rng: Rng) -> None:
    model, data = _cnn(rng), _data(rng)
    onnx.save(model, tmp_path / "m.onnx")
    np.save(tmp_path / "c.npy", data)
    (tmp_path / "int8").mkdir()
    onnx.save(quantize_model(tmp_path / "m.onnx", tmp_path / "c.npy"), tmp_path / "int8" / "m.onnx")
    direct = load_network(tmp_path / "m.onnx", tmp_path / "c.npy")
    through = load_network(tmp_path / "int8" / "m.onnx")
    assert _bytes(direct, tmp_path / "a.npz") == _bytes(through, tmp_path / "b.npz")


def test_same_bytes_with_any_hash_seed(tmp_path: Path, rng: Rng) -> None:
    onnx.save(_cnn(rng), tmp_path / "m.onnx")
    np.save(tmp_path / "c.npy", _data(rng, 10))
    code = (
        "import hashlib, pathlib, sys; from rtlnn.quantization import quantize_model;"
        "from rtlnn.load import load_network;"
        "from rtlnn.ops.serialize import save_network; q = quantize_model('m.onnx', pathlib.Path('c.npy'));"
        "save_network(load_network(q), pathlib.Path(sys.argv[1]));"
        "print(hashlib.sha256(q.SerializeToString() + pathlib.Path(sys.argv[1]).read_bytes()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code, f"{seed}.npz"],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_keras_layout_survives(rng: Rng) -> None:
    m = Model(("N", 8, 8, 2)).add("Transpose", perm=[0, 3, 1, 2]).add("Conv", _f(rng, 3, 2, 3, 3), _f(rng, 3))
    m.add("Relu").add("Transpose", perm=[0, 2, 3, 1]).add("Flatten").add("Gemm", _f(rng, 108, 4))
    model, data = m.build(["N", 4]), rng.normal(0, 1, (50, 8, 8, 2)).astype(np.float32)
    quantized = quantize_model(model, data)
    assert quantized.graph.input == model.graph.input
    ours = Reference(load_network(quantized))(data)
    assert np.abs(run(quantized, data, s8s8=False) - ours).max() < 0.05
    assert np.abs(run(model, data) - ours).max() < 0.05 * np.abs(ours).max()


def test_image_output_keeps_its_layout(rng: Rng) -> None:
    m = Model(("N", 8, 8, 2)).add("Transpose", perm=[0, 3, 1, 2]).add("Conv", _f(rng, 3, 2, 3, 3), _f(rng, 3))
    model = m.add("Transpose", perm=[0, 2, 3, 1]).build(["N", 6, 6, 3])
    data = rng.normal(0, 1, (50, 8, 8, 2)).astype(np.float32)
    quantized = quantize_model(model, data)
    wanted = run(model, data)
    for got in (Reference(load_network(quantized))(data), run(quantized, data)):
        assert got.shape == wanted.shape
        assert np.abs(got - wanted).max() < 0.1


def test_negative_gamma_behind_a_pool(rng: Rng) -> None:
    m = Model(("N", 3, 10, 10)).add("Conv", _f(rng, 4, 3, 3, 3), _f(rng, 4)).add("MaxPool", kernel_shape=[2, 2])
    gamma = np.float32([1, -1, 0.5, -2])
    m.add("BatchNormalization", gamma, _f(rng, 4), _f(rng, 4), np.ones(4, np.float32)).add("Relu")
    model, data = m.build(), _data(rng)
    net = load_network(model, data)
    assert [type(n.op).__name__ for n in net.core.nodes] == ["Conv2D", "MaxPool2D", "Requantize"]
    got, wanted = Reference(net)(data), run(model, data)
    assert np.abs(got - wanted).max() < 0.03 * wanted.max()


def test_channel_without_weights_keeps_its_bias(rng: Rng) -> None:
    w = _f(rng, 4, 6)
    w[1] = 0
    w[2] = 1e-12
    model = Model(("N", 6)).add("Gemm", w, np.float32([1, 2.5, -3, 0]), transB=1).build()
    data = rng.normal(0, 1, (50, 6)).astype(np.float32)
    got = Reference(load_network(model, data))(data)
    assert np.abs(got - run(model, data)).max() < 0.05


def test_relu6_and_constant_zero(rng: Rng) -> None:
    m = Model(("N", 6)).add("Gemm", 20 * _f(rng, 6, 4), _f(rng, 4)).add("Clip", np.float32(0), np.float32(6))
    m.add("Gemm", np.zeros((4, 3), np.float32))
    data = rng.normal(0, 1, (50, 6)).astype(np.float32)
    net = load_network(m.build(), data)
    first = next(n.op for n in net.core.nodes if isinstance(n.op, Requantize))
    assert first.output.one_scale == pytest.approx(6 / 255)
    assert (Reference(net)(data) == 0).all()


def test_quantized_weights_alone_still_need_calibration(rng: Rng) -> None:
    m = Model(("N", 6))
    w = m.integers(rng.integers(-127, 128, (4, 6)).astype(np.int8), np.float32(0.01))
    model = m.add("Gemm", w, transB=1).build()
    assert not import_model(model).quantized
    data = rng.normal(0, 1, (50, 6)).astype(np.float32)
    assert np.abs(Reference(load_network(model, data))(data) - run(model, data)).max() < 0.2


def test_float_model_without_calibration(rng: Rng) -> None:
    with pytest.raises(InputError, match=r"float model.*--calibration data.npy .*\(frames, 3, 10, 10\).*random"):
        load_network(_cnn(rng))


def test_random_calibration_is_marked(rng: Rng) -> None:
    model = _cnn(rng)
    a, b = (load_network(model, Calibration.RANDOM) for _ in range(2))
    assert a.notes == (RANDOM_NOTE,)
    x = _data(rng, 3)
    np.testing.assert_array_equal(Reference(a)(x), Reference(b)(x))
    assert [n.op for n in a.core.nodes] == [n.op for n in b.core.nodes]


def test_quantized_model_is_not_quantized_again(rng: Rng) -> None:
    quantized = quantize_model(_cnn(rng), _data(rng))
    with pytest.raises(InputError, match="is quantized already"):
        quantize_model(quantized, _data(rng))
    assert "calibration data were not used" in load_network(quantized, _data(rng)).notes[0]


BAD: dict[str, tuple[object, str]] = {
    "shape": (
        np.zeros((5, 10, 10, 3)),
        r"has the shape \(5, 10, 10, 3\); the input 'x' .* needs \(frames, 3, 10, 10\)",
    ),
    "nan": (np.full((5, 3, 10, 10), np.nan), "holds 1500 values that are NaN"),
    "infinity": (np.full((5, 3, 10, 10), np.inf), "NaN or infinite"),
    "empty": (np.zeros((0, 3, 10, 10)), "holds no frames"),
    "text": (np.full((5, 3, 10, 10), "a"), "has the type <U1"),
    "complex": (np.zeros((5, 3, 10, 10), complex), "has the type complex128"),
    "objects": (np.full((5, 3, 10, 10), None), "has the type object"),
    "one number": (np.float32(3), r"has the shape \(\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_calibration(case: str, rng: Rng) -> None:
    data, message = BAD[case]
    with pytest.raises(InputError, match=message):
        quantize_model(_cnn(rng), np.asarray(data))


def test_bad_calibration_files(tmp_path: Path, rng: Rng) -> None:
    model = _cnn(rng)
    with pytest.raises(InputError, match="does not exist"):
        quantize_model(model, tmp_path / "none.npy")
    (tmp_path / "text.npy").write_text("1 2 3")
    with pytest.raises(InputError, match=r"text.npy is not a .npy file"):
        quantize_model(model, tmp_path / "text.npy")
    np.savez(tmp_path / "many.npz", a=_data(rng, 2))
    with pytest.raises(InputError, match="has arrays for 'a', the inputs of the model are 'x'"):
        quantize_model(model, tmp_path / "many.npz")
    (tmp_path / "cut.npy").write_bytes(b"")
    with pytest.raises(InputError, match=r"cut.npy is not a .npy file"):
        quantize_model(model, tmp_path / "cut.npy")


def test_one_frame_and_integers_are_fine(rng: Rng) -> None:
    model = _cnn(rng)
    quantize_model(model, _data(rng)[0])
    quantize_model(model, rng.integers(0, 256, (5, 3, 10, 10)).astype(np.uint8))


def test_layer_behind_a_softmax(rng: Rng) -> None:
    m = Model(("N", 6)).add("Gemm", _f(rng, 6, 4)).add("Softmax").add("Gemm", _f(rng, 4, 3), name="late")
    with pytest.raises(InputError, match="node 'late' follows an operation that only the host can do"):
        quantize_model(m.build(), np.zeros((4, 6)))


def test_nothing_to_build() -> None:
    with pytest.raises(InputError, match="no convolution, dense or pooling layer"):
        quantize_model(Model(("N", 6)).add("Softmax").build(), np.zeros((4, 6)))


def test_original_bias_of_integer_input(rng: Rng) -> None:
    """An image of bytes needs no host at all: its normalization is a requantization."""
    m = Model(("N", 3, 10, 10), input_type=TensorProto.UINT8).add("Cast", to=1).add("Mul", np.float32(1 / 255))
    model = m.add("Conv", _f(rng, 4, 3, 3, 3), _f(rng, 4)).build()
    data = rng.integers(0, 256, (50, 3, 10, 10)).astype(np.uint8)
    net = load_network(model, data)
    assert not net.head.nodes
    assert np.abs(Reference(net)(data) - run(model, data)).max() < 0.05
