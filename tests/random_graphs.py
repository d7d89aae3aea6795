"""Random float networks with branches: residual, depthwise, inception, squeeze-and-excite, splits, pads, upsampling."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

__all__ = ["random_model"]

Shape = tuple[int, ...]
FUNCTIONS = (
    "Relu",
    "Relu",
    "Relu",
    "Clip",
    "LeakyRelu",
    "HardSwish",
    "Sigmoid",
    "Elu",
    "PRelu",
    "Tanh",
    "Swish",
    "none",
)
BLOCKS = (
    "residual",
    "residual",
    "depthwise",
    "inception",
    "pool",
    "dilated",
    "upsampled",
    "excited",
    "split",
    "padded",
)


@dataclass
class _Network:
    """An ONNX graph in the making; shapes are (C, H, W)."""

    rng: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    stored: list[onnx.TensorProto] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def constant(self, array: Any) -> str:
        name = f"c{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, operator: str, inputs: list[str], *shapes: Shape, **attributes: Any) -> str:
        names = [f"{operator}_{len(self.nodes)}.{i}" for i in range(len(shapes))]
        self.nodes.append(helper.make_node(operator, inputs, names, f"{operator}_{len(self.nodes)}", **attributes))
        self.shapes.update(zip(names, shapes, strict=True))
        return names[0]

    def normal(self, *shape: int) -> np.ndarray:
        return self.rng.standard_normal(shape).astype(np.float32)

    def conv(self, x: str, outputs: int, kernel: int, function: bool = True, **attributes: Any) -> str:
        """Pads keep the size where nothing else is said."""
        channels, *size = self.shapes[x]
        stride, dilation = attributes.get("strides", [1, 1])[0], attributes.get("dilations", [1, 1])[0]
        reach = dilation * (kernel - 1)
        pads = attributes.setdefault("pads", [reach // 2] * 4)
        high, wide = ((n + pads[i] + pads[i + 2] - reach - 1) // stride + 1 for i, n in enumerate(size))
        part = channels // attributes.get("group", 1)
        weights = self.normal(outputs, part, kernel, kernel) * np.float32(np.sqrt(2 / (part * kernel * kernel)))
        parameters = [self.constant(weights), self.constant(0.2 * self.normal(outputs))]
        y = self.add("Conv", [x, *parameters], (outputs, high, wide), kernel_shape=[kernel] * 2, **attributes)
        if function and self.rng.random() < 0.3:
            spread = [self.rng.uniform(0.5, 1.5, outputs).astype(np.float32) for _ in range(2)]
            moved = [0.1 * self.normal(outputs) for _ in range(2)]
            norm = [self.constant(a) for a in (spread[0], *moved, spread[1])]
            y = self.add("BatchNormalization", [y, *norm], self.shapes[y])
        return self.function(y) if function else y

    def function(self, y: str) -> str:
        shape, name = self.shapes[y], str(self.rng.choice(FUNCTIONS))
        if name == "none":
            return y
        if name == "Clip":
            return self.add("Clip", [y, self.constant(np.float32(0)), self.constant(np.float32(6))], shape)
        if name == "PRelu":
            slopes = self.rng.uniform(-0.2, 0.5, (shape[0], 1, 1)).astype(np.float32)
            return self.add("PRelu", [y, self.constant(slopes)], shape)
        if name == "Swish":
            return self.add("Mul", [y, self.add("Sigmoid", [y], shape)], shape)
        return self.add(name, [y], shape)

    def block(self, x: str) -> str:
        return getattr(self, f"_{self.rng.choice(BLOCKS)}")(x)

    def _residual(self, x: str) -> str:
        channels = self.shapes[x][0]
        y = self.conv(self.conv(x, channels, 3), channels, int(self.rng.choice([1, 3])), function=False)
        total = self.add("Add", [x, y] if self.rng.random() < 0.5 else [y, x], self.shapes[x])
        return self.function(total)

    def _depthwise(self, x: str) -> str:
        channels, high, wide = self.shapes[x]
        stride = [2, 2] if min(high, wide) > 3 and self.rng.random() < 0.5 else [1, 1]
        y = self.conv(self.conv(x, 2 * channels, 1), 2 * channels, 3, group=2 * channels, strides=stride)
        return self.conv(y, channels, 1, function=False)

    def _inception(self, x: str) -> str:
        pooled = self.add("MaxPool", [x], self.shapes[x], kernel_shape=[3, 3], pads=[1] * 4)
        parts = [self.conv(x, int(self.rng.integers(1, 6)), kernel) for kernel in (1, 3)] + [pooled]
        parts = parts[: int(self.rng.integers(2, 4))]
        return self.add("Concat", parts, (sum(self.shapes[p][0] for p in parts), *self.shapes[x][1:]), axis=1)

    def _pool(self, x: str) -> str:
        channels, *size = self.shapes[x]
        if min(size) < 4:
            return self.conv(x, channels, 1)
        up = int(self.rng.integers(0, 2))
        half = [-(-n // 2) if up else n // 2 for n in size]
        kind = str(self.rng.choice(["MaxPool", "AveragePool"]))
        return self.add(kind, [x], (channels, *half), kernel_shape=[2, 2], strides=[2, 2], ceil_mode=up)

    def _dilated(self, x: str) -> str:
        return self.conv(x, int(self.rng.integers(2, 7)), 3, dilations=[2, 2])

    def _upsampled(self, x: str) -> str:
        channels, high, wide = self.shapes[x]
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        y = self.add(
            "Resize", [x, "", scales], (channels, 2 * high, 2 * wide), mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip
        return self.conv(y, channels, 3, strides=[2, 2])

    def _excited(self, x: str) -> str:
        channels = self.shapes[x][0]
        y = self.add("GlobalAveragePool", [x], (channels, 1, 1))
        y = self.conv(y, channels, 1, function=False)
        return self.add("Mul", [x, self.add("Sigmoid", [y], self.shapes[y])], self.shapes[x])

    def _split(self, x: str) -> str:
        channels, *size = self.shapes[x]
        if channels < 2:
            return self.conv(x, 4, 3)
        first = int(self.rng.integers(1, channels))
        sizes = self.constant(np.array([first, channels - first]))
        one = self.add("Split", [x, sizes], (first, *size), (channels - first, *size), axis=1)
        other = one.removesuffix(".0") + ".1"
        return self.add("Concat", [self.conv(one, first, 3), other], (channels, *size), axis=1)

    def _padded(self, x: str) -> str:
        channels, high, wide = self.shapes[x]
        if min(high, wide) < 3:
            return self.conv(x, channels, 1)
        pads = self.constant(np.array([0, 0, 1, 0, 0, 0, 0, 1]))
        mode = str(self.rng.choice(["constant", "reflect", "edge"]))
        y = self.add("Pad", [x, pads], (channels, high + 1, wide + 1), mode=mode)
        return self.conv(y, channels, 2, pads=[0, 0, 0, 0])


def random_model(rng: np.random.Generator) -> onnx.ModelProto:
    """A float model with the input `x` (N, C, H, W) and one output."""
    net = _Network(rng)
    shape = tuple(int(n) for n in (rng.integers(1, 5), rng.integers(5, 11), rng.integers(5, 11)))
    net.shapes["x"] = shape
    y = net.conv("x", int(rng.integers(2, 9)), 3, strides=[int(rng.integers(1, 3))] * 2)
    for _ in range(int(rng.integers(1, 4))):
        y = net.block(y)
    if rng.random() < 0.7:
        if rng.random() < 0.6:
            y = net.add("GlobalAveragePool", [y], (net.shapes[y][0], 1, 1))
        size = int(np.prod(net.shapes[y]))
        y = net.add("Flatten", [y], (size,))
        weights = net.constant(net.normal(5, size) / np.float32(np.sqrt(size)))
        y = net.add("Gemm", [y, weights, net.constant(net.normal(5))], (5,), transB=1)
    graph = helper.make_graph(
        net.nodes, "random", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info(y, onnx.TensorProto.FLOAT, ["N", *net.shapes[y]])], net.stored,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
