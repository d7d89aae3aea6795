"""The networks, where their inputs come from, and what each is built for."""

from dataclasses import dataclass
from enum import Enum

from benchmarks.zoo import data
from rtlnn.ops import Precision
from rtlnn.options import Options

__all__ = ["ENTRIES", "Dialect", "Entry"]


class Dialect(Enum):
    """How a file says what it computes."""

    FLOAT = "float"
    QDQ = "QDQ"
    QOPERATOR = "QOperator"
    QONNX = "QONNX"


@dataclass(frozen=True, eq=False)
class Entry:
    """One file.

    Parameters
    ----------
    file : in the folder of models
    dialect : of its export
    inputs : its frames
    options : of the build
    variant : what tells it from other designs for the same file
    accuracy : percent that its makers' runtime reaches on the same frames, where labels exist and somebody measured it
    compared, simulated, scored : how many frames are compared with onnxruntime, go through the RTL, count for accuracy
    by_layer : the RTL is simulated layer by layer, for the whole is too large
    """

    file: str
    dialect: Dialect
    inputs: data.Source
    options: Options
    variant: str = ""
    accuracy: float | None = None
    compared: int = 300
    simulated: int = 16
    scored: int = 10_000
    by_layer: bool = False

    @property
    def name(self) -> str:
        plain = self.file.removesuffix(".onnx")
        return f"{plain}, {self.variant}" if self.variant else plain


_FAST = "fast requantization"


def _fast(platform: str, target_interval: int) -> Options:
    return Options(platform, target_interval=target_interval, precision=Precision.FAST)


ENTRIES = (
    Entry("qonnx_TFC_1W1A.onnx", Dialect.QONNX, data.mnist_unit, Options("u200", target_interval=784), accuracy=92.96),
    Entry("qonnx_TFC_1W2A.onnx", Dialect.QONNX, data.mnist_unit, Options("u200", target_interval=784), accuracy=94.74),
    Entry("qonnx_TFC_2W2A.onnx", Dialect.QONNX, data.mnist_unit, Options("u200", target_interval=784), accuracy=96.60),
    Entry("qonnx_qkeras_jettagging.onnx", Dialect.QONNX, data.noise((16,)), Options("u200", target_interval=16)),
    Entry("mlperf_tiny_resnet8_int8_qdq.onnx", Dialect.QDQ, data.cifar_int8, Options("vu9p", target_interval=2200)),
    Entry("mlperf_tiny_resnet8_int8_qdq.onnx", Dialect.QDQ, data.cifar_int8, _fast("vu9p", 2200), _FAST),
    Entry("mlperf_tiny_resnet8_int8_qdq.onnx", Dialect.QDQ, data.cifar_int8, Options("xc7z020"), "XC7Z020"),
    Entry("mlperf_tiny_resnet8_fp32.onnx", Dialect.FLOAT, data.cifar_raw, Options("vu9p", target_interval=8192)),
    Entry(
        "mlperf_tiny_dscnn_int8_qdq.onnx",
        Dialect.QDQ,
        data.noise_int8((49, 10, 1)),
        Options("u200", target_interval=8192),
    ),
    Entry("mlperf_tiny_dscnn_int8_qdq.onnx", Dialect.QDQ, data.noise_int8((49, 10, 1)), _fast("u200", 8192), _FAST),
    Entry("mlperf_tiny_dscnn_fp32.onnx", Dialect.FLOAT, data.noise((49, 10, 1)), Options("u200", target_interval=8192)),
    Entry(
        "mlperf_tiny_autoencoder_int8_qdq.onnx",
        Dialect.QDQ,
        data.noise_int8((640,)),
        Options("u200", target_interval=8192),
    ),
    Entry("mlperf_tiny_autoencoder_int8_qdq.onnx", Dialect.QDQ, data.noise_int8((640,)), _fast("u200", 8192), _FAST),
    Entry(
        "mlperf_tiny_mobilenetv1_vww_int8_qdq.onnx",
        Dialect.QDQ,
        data.cifar_threefold_int8,
        Options("vu9p", target_interval=60_000),
    ),
    Entry(
        "mobilenetv2_cifar10_int8_qlinear.onnx",
        Dialect.QOPERATOR,
        data.cifar_normalized,
        Options("vu9p", target_interval=60_000),
        scored=320,
    ),
    Entry(
        "mobilenetv2_cifar10_int8_qlinear.onnx",
        Dialect.QOPERATOR,
        data.cifar_normalized,
        _fast("vu9p", 60_000),
        _FAST,
        scored=320,
    ),
    Entry(
        "mobilenetv2_imagenet_int8_qlinear.onnx",
        Dialect.QOPERATOR,
        data.cifar_large,
        Options("vu9p", target_interval=400_000),
        compared=16,
        simulated=2,
        by_layer=True,
    ),
    Entry(
        "mnist8_cntk_float.onnx", Dialect.FLOAT, data.mnist_raw, Options("u200", target_interval=4096), accuracy=98.91
    ),
    Entry("three_layer_keras.onnx", Dialect.FLOAT, data.noise((16,)), Options("u200", target_interval=16)),
    Entry("conv1d_small_keras.onnx", Dialect.FLOAT, data.noise((10, 4)), Options("u200", target_interval=40)),
    Entry("conv2d_small_keras.onnx", Dialect.FLOAT, data.noise((8, 8, 1)), Options("u200", target_interval=256)),
    Entry("ecg5000_tcn_float.onnx", Dialect.FLOAT, data.ecg, Options("u200", target_interval=8192), compared=250),
    Entry(
        "espcn_subpixel_float.onnx",
        Dialect.FLOAT,
        data.pixels_unit((3, 4, 4)),
        Options("u200", target_interval=4096),
    ),
)
