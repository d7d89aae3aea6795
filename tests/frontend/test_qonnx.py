"""QONNX quantizers compute what that project's own definitions say, on their way to integers as well."""

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.load import load_network
from rtlnn.ops import Requantize, Thresholds
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, evaluate

Rng = np.random.Generator
QONNX = "qonnx.custom_op.general"
F = np.float32

ROUND = {
    "ROUND": np.rint,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda v: np.sign(v) * np.ceil(np.abs(v)),
    "DOWN": np.trunc,
    "HALF_UP": lambda v: np.sign(v) * np.floor(np.abs(v) + F(0.5)),
    "HALF_DOWN": lambda v: np.sign(v) * np.ceil(np.abs(v) - F(0.5)),
}


def _quant(
    x: np.ndarray,
    scale: object,
    zero: float,
    bits: float,
    signed: int = 1,
    narrow: int = 0,
    rounding_mode: str = "ROUND",
) -> np.ndarray:
    """Quant as the QONNX project defines it, in float32."""
    y = x.astype(F) / F(scale) + F(zero)
    lo = -(2.0 ** (bits - 1)) + narrow if signed else 0.0
    hi = 2.0 ** (bits - 1) - 1 if signed else 2.0**bits - 1 - narrow
    return (ROUND[rounding_mode](np.clip(y, F(lo), F(hi))) - F(zero)) * F(scale)


def _add(m: Model, scale: object, zero: float, bits: float, domain: str = QONNX, **attributes: object) -> Model:
    values = (np.asarray(v, F) for v in (scale, zero, bits))
    return m.add("Quant", *values, domain=domain, **{"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes})


def _constant(m: Model, array: np.ndarray, operator: str, *parameters: object, **attributes: object) -> str:
    """A quantized constant, whose name is returned; the chain goes on where it was."""
    last, m.last = m.last, m.const(array.astype(F))
    m.add(operator, *(np.asarray(p, F) for p in parameters), domain=QONNX, **attributes)
    made, m.last = m.last, last
    return made


@pytest.mark.parametrize("mode", ROUND)
@pytest.mark.parametrize(
    ("scale", "zero", "bits", "signed", "narrow"),
    [
        (0.25, 0, 4, 1, 0),
        (0.3, 0, 2, 1, 1),
        (0.1, 0, 3, 0, 1),
        (0.5, 3, 4, 0, 0),
        (0.5, -2, 5, 1, 0),
        (1, 0, 2.58, 0, 0),
    ],
)
def test_quant(mode: str, scale: float, zero: float, bits: float, signed: int, narrow: int, rng: Rng) -> None:
    attributes = {"signed": signed, "narrow": narrow, "rounding_mode": mode}
    model = _add(Model(("N", 40)), scale, zero, bits, **attributes).build()
    x = rng.normal(0, 2, (50, 40)).astype(F)
    x[:, ::3] = np.rint(x[:, ::3] / F(scale) * 2) * F(scale) / 2  # ties
    np.testing.assert_allclose(
        evaluate(import_model(model), x), _quant(x, scale, zero, bits, signed, narrow, mode), atol=1e-6
    )


@pytest.mark.parametrize("domain", ["onnx.brevitas", "finn.custom_op.general", QONNX])
def test_all_names_of_the_domain(domain: str, rng: Rng) -> None:
    model = _add(Model(("N", 9)), 0.5, 0, 3, domain).build()
    for opset in [o for o in model.opset_import if o.domain]:
        model.opset_import.remove(opset)  # as Brevitas exports it
    x = rng.normal(0, 2, (5, 9)).astype(F)
    np.testing.assert_array_equal(evaluate(import_model(model), x), _quant(x, 0.5, 0, 3))


def _dense(m: Model, rng: Rng, inputs: int, outputs: int, bits: float = 3, narrow: int = 1) -> np.ndarray:
    """Quantized weights with a scale for each output, and a float bias; returns the real weights."""
    w = rng.normal(0, 1, (outputs, inputs)).astype(F)
    scale = rng.choice([0.25, 0.5, 0.125], (outputs, 1)).astype(F)
    name = _constant(m, w, "Quant", scale, 0, bits, signed=1, narrow=narrow)
    m.add("Gemm", name, transB=1)
    return _quant(w, scale, 0, bits, 1, narrow)


@pytest.mark.parametrize("mode", ROUND)
@pytest.mark.parametrize("signed", [0, 1])
def test_network_with_each_rounding(mode: str, signed: int, rng: Rng) -> None:
    """Scales are powers of two, so that ties are frequent and float32 is exact."""
    m = _add(Model(("N", 12)), 0.5, 0, 4)
    w1 = _dense(m, rng, 12, 9)
    _add(m, 1.0, 0, 4, signed=signed, rounding_mode=mode)
    w2 = _dense(m, rng, 9, 5, bits=2)
    x = rng.normal(0, 3, (200, 12)).astype(F)
    h = _quant(_quant(x, 0.5, 0, 4) @ w1.T, 1.0, 0, 4, signed, 0, mode)
    np.testing.assert_array_equal(Reference(load_network(m.build()))(x), h @ w2.T)


def test_wide_values_with_rounding_that_minds_the_sign(rng: Rng) -> None:
    m = _add(Model(("N", 12)), 0.5, 0, 4)
    _dense(m, rng, 12, 9)
    _add(m, 1.0, 0, 8, rounding_mode="DOWN", name="cut")
    _dense(m, rng, 9, 5)
    with pytest.raises(InputError, match=r"node 'cut.codes'.*rounds negative numbers to zero"):
        load_network(m.build())


def _bipolar(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, F(1), F(-1))


def test_binary_network(rng: Rng) -> None:
    """Bipolar weights and activations around a batch norm with negative and zero factors; sums that are 0 are +1."""
    m = Model(("N", 16)).add("BipolarQuant", F(1), domain=QONNX)
    w1, w2 = rng.normal(0, 1, (8, 16)), rng.normal(0, 1, (4, 8))
    m.add("Gemm", _constant(m, w1, "BipolarQuant", 1.0), transB=1)
    gamma = np.array([1, -2, 0, 0, 1, -1, 0.5, 3], F)
    beta = np.array([0, 0, 0.5, -0.5, 40, 40, -3, 1], F)
    m.add("BatchNormalization", gamma, beta, np.zeros(8, F), np.ones(8, F) - F(1e-5))
    m.add("BipolarQuant", F(1), domain=QONNX)
    m.add("Gemm", _constant(m, w2, "BipolarQuant", 0.5), transB=1)
    network = load_network(m.build())
    assert any(isinstance(n.op, Thresholds) for n in network.core.nodes)
    assert not any(isinstance(n.op, Requantize) for n in network.core.nodes)
    x = rng.normal(0, 1, (300, 16)).astype(F)
    h = _bipolar(_bipolar(x) @ _bipolar(w1).T * gamma + beta)
    np.testing.assert_array_equal(Reference(network)(x), h @ (_bipolar(w2) * F(0.5)).T)


@pytest.mark.parametrize("pooled", [False, True])
def test_binary_convolution_with_padding(pooled: bool, rng: Rng) -> None:
    """A pixel beyond the border is 0: neither -1 nor +1."""
    m = _add(Model(("N", 3, 6, 5)), 0.5, 0, 4)
    w1, w2 = rng.normal(0, 1, (4, 3, 3, 3)), rng.normal(0, 1, (2, 4, 3, 3))
    m.add("Conv", _constant(m, w1, "BipolarQuant", 1.0)).add("BipolarQuant", F(1), domain=QONNX)
    if pooled:
        m.add("MaxPool", kernel_shape=[2, 2])
    m.add("Conv", _constant(m, w2, "BipolarQuant", 1.0), pads=[1, 1, 1, 1])

    def conv(x: np.ndarray, w: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
        return np.einsum("nchwyx,ocyx->nohw", windows, w)

    x = rng.normal(0, 2, (20, 3, 6, 5)).astype(F)
    h = _bipolar(conv(_quant(x, 0.5, 0, 4), _bipolar(w1)))
    if pooled:
        h = np.lib.stride_tricks.sliding_window_view(h, (2, 2), axis=(2, 3)).max(axis=(4, 5))
    wanted = conv(np.pad(h, ((0, 0), (0, 0), (1, 1), (1, 1))), _bipolar(w2))
    network = load_network(m.build())
    np.testing.assert_array_equal(Reference(network)(x), wanted)
    assert len(network.core.nodes) == 3 + pooled


@pytest.mark.parametrize("version", [1, 2])
def test_truncation(version: int, rng: Rng) -> None:
    """Behind an average that is multiplied by its number of pixels, as Brevitas exports it."""
    m = _add(Model(("N", 3, 4, 4)), 0.1, 0, 5, signed=0)
    m.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]).add("Mul", F(4))
    parameters = (0.1, 0, 7, 5) if version == 1 else (0.1, 0, 7, 0.4, 5)
    more = {} if version == 1 else {"signed": 0, "narrow": 0}
    m.add("Trunc", *(F(p) for p in parameters), domain=QONNX, rounding_mode="FLOOR", **more)
    x = rng.normal(1, 1, (100, 3, 4, 4)).astype(F)
    codes = np.clip(np.rint(x / F(0.1)), 0, 31)
    sums = codes.reshape(100, 3, 2, 2, 2, 2).sum(axis=(3, 5))
    wanted = np.floor(sums / 4) * (0.1 if version == 1 else 0.4)
    np.testing.assert_allclose(Reference(load_network(m.build()))(x), wanted, rtol=1e-6)


def test_thresholds_for_each_channel(rng: Rng) -> None:
    m = _add(Model(("N", 6)), 0.5, 0, 4)
    w1 = _dense(m, rng, 6, 5)
    levels = np.sort(rng.normal(0, 2, (5, 3)).astype(F), axis=1)
    m.add("MultiThreshold", levels, domain=QONNX, out_scale=2.0, out_bias=-3.0, out_dtype="INT3")
    w2 = _dense(m, rng, 5, 4)
    x = rng.normal(0, 3, (100, 6)).astype(F)
    sums = _quant(x, 0.5, 0, 4) @ w1.T
    counted = (sums[:, :, np.newaxis] >= levels).sum(axis=2) * 2.0 - 3.0
    np.testing.assert_allclose(Reference(load_network(m.build()))(x), counted @ w2.T, rtol=1e-6)


def test_channels_last(rng: Rng) -> None:
    domain = "qonnx.custom_op.channels_last"
    m = _add(Model(("N", 5, 4, 3)), 0.5, 0, 4)
    w = rng.integers(-3, 4, (2, 3, 3, 3)).astype(F)
    m.add("Conv", _constant(m, w, "Quant", 1.0, 0, 3), domain=domain, kernel_shape=[3, 3], strides=[1, 1])
    _add(m, 2.0, 0, 4).add("MaxPool", domain=domain, kernel_shape=[3, 2])
    x = rng.normal(0, 2, (7, 5, 4, 3)).astype(F)
    windows = np.lib.stride_tricks.sliding_window_view(_quant(x, 0.5, 0, 4), (3, 3), axis=(1, 2))
    sums = np.einsum("nhwcyx,oyxc->nhwo", windows, np.clip(w, -4, 3))
    got = Reference(load_network(m.build()))(x)
    np.testing.assert_array_equal(got, _quant(sums, 2.0, 0, 4).max(axis=(1, 2), keepdims=True))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scale": np.float32([0.5] * 5 + [0.25])}, "several scales"),
        ({"scale": -1.0}, "scale is not positive"),
        ({"zero": 0.5}, "zero point is not an integer"),
        ({"zero": 1e30}, "zero point has more than 32 bits"),
        ({"bits": 40}, "40 bits"),
        ({"rounding_mode": "STOCHASTIC"}, "rounding mode is STOCHASTIC"),
    ],
)
def test_what_is_refused(change: dict[str, object], words: str) -> None:
    given = {"scale": 0.5, "zero": 0, "bits": 4, **change}
    m = Model(("N", 6))
    with pytest.raises(InputError, match=words):
        import_model(_add(m, name="q", **given).build())
