"""A topology with seeded random weights as a float ONNX model, and quantized by rtlnn."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks.networks.topology import BatchNorm, Convolution, Dense, Layer, MaxPool, Relu, Shape, Topology, pads
from rtlnn.quantization import quantize_model

__all__ = ["float_model", "images", "quantized_model"]

CALIBRATION_FRAMES = 16
OPSET = 17
IR_VERSION = 8


def images(shape: Shape, count: int, seed: int) -> NDArray[np.float32]:
    """Random images (count, C, H, W) in 0..1, in steps of 1/255: what pixels are."""
    height, width, channels = shape
    pixels = np.random.default_rng(seed).integers(0, 256, (count, channels, height, width))
    return (pixels / 255).astype(np.float32)


def quantized_model(topology: Topology, name: str, bits: int, seed: int) -> onnx.ModelProto:
    """The network with weights and hidden activations of `bits` bits, as QDQ ONNX; see `rtlnn.quantize`."""
    calibration = images(topology.input, CALIBRATION_FRAMES, seed)
    return quantize_model(float_model(topology, name, seed), calibration, bits=bits)


@dataclass
class _Chain:
    """An ONNX graph under construction; the next node takes `head`."""

    rng: np.random.Generator
    head: str = "image"
    flat: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def random(self, name: str, *shape: int) -> str:
        """Weights of normal distribution, scaled for ReLUs (He et al., 2015), as an initializer."""
        fan_in = int(np.prod(shape[1:]))
        return self.constant(name, self.rng.standard_normal(shape) * np.sqrt(2 / fan_in))

    def constant(self, name: str, value: NDArray[np.float64]) -> str:
        self.constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(self, op: str, name: str, *inputs: str, **attributes: object) -> None:
        self.nodes.append(helper.make_node(op, [self.head, *inputs], [f"{name}.out"], name=name, **attributes))
        self.head = f"{name}.out"

    def bias(self, name: str, channels: int) -> str:
        return self.constant(name, 0.1 * self.rng.standard_normal(channels))

    def batch_norm(self, name: str, channels: int) -> None:
        """As training leaves them: positive scales near 1, the mean and deviation of the channel."""
        uniform, normal = self.rng.uniform, self.rng.standard_normal
        values = uniform(0.5, 1.5, channels), 0.1 * normal(channels), 0.1 * normal(channels), uniform(0.5, 2, channels)
        names = ("scale", "shift", "mean", "variance")
        inputs = (self.constant(f"{name}.{n}", value) for n, value in zip(names, values, strict=True))
        self.node("BatchNormalization", name, *inputs)

    def windows(self, op: str, name: str, layer: Convolution | MaxPool, before: Shape, *inputs: str) -> None:
        """A node with windows over an image of the shape `before`."""
        stride = layer.stride if isinstance(layer, MaxPool) else 1
        (top, bottom), (left, right) = (pads(n, layer.size, stride, layer.padding) for n in before[:2])
        shape = {"kernel_shape": [layer.size] * 2, "strides": [stride] * 2, "pads": [top, left, bottom, right]}
        self.node(op, name, *inputs, **shape)

    def layer(self, layer: Layer, name: str, before: Shape) -> None:
        """One layer on values of the shape `before`."""
        match layer:
            case Convolution(channels, size):
                weights = self.random(f"{name}.weight", channels, before[2], size, size)
                self.windows("Conv", name, layer, before, weights, self.bias(f"{name}.bias", channels))
            case MaxPool():
                self.windows("MaxPool", name, layer, before)
            case Dense(outputs):
                if not self.flat:
                    self.node("Flatten", f"{name}.flatten")
                    self.flat = True
                weights = self.random(f"{name}.weight", outputs, before[0] * before[1] * before[2])
                self.node("Gemm", name, weights, self.bias(f"{name}.bias", outputs), transB=1)
            case BatchNorm():
                self.batch_norm(name, before[2])
            case Relu():
                self.node("Relu", name)


def float_model(topology: Topology, name: str, seed: int) -> onnx.ModelProto:
    """A float model: input `image` (N, C, H, W), output `scores` (N, outputs). Same arguments, same bytes.

    Layers are named by what they are and their number: conv1, pool1, dense1...
    """
    chain = _Chain(np.random.default_rng(seed))
    numbers = Counter[str]()
    for layer, before, _ in topology.shapes():
        what = _NAMES[type(layer)]
        numbers[what] += 1
        chain.layer(layer, f"{what}{numbers[what]}", before)
    chain.nodes[-1].output[0] = "scores"
    height, width, channels = topology.input
    outputs = list(topology.shapes())[-1][2][2]
    graph = helper.make_graph(
        chain.nodes,
        name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", channels, height, width])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", outputs])],
        chain.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="rtlnn benchmarks")


_NAMES: dict[type, str] = {Convolution: "conv", MaxPool: "pool", Dense: "dense", BatchNorm: "norm", Relu: "relu"}
