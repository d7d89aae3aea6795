"""Random quantized networks, of all operators in all geometries, equal onnxruntime on every value."""

import numpy as np
import pytest

from rtlnn.load import load_network
from rtlnn.sim.reference import Reference
from tests.onnx_models import Model, run

Rng = np.random.Generator


class _Network:
    """A random chain of quantized layers."""

    def __init__(self, rng: Rng, dtype: str) -> None:
        self.rng = rng
        self.dtype = dtype
        info = np.iinfo(dtype)
        self.low, self.high = int(info.min), int(info.max)
        self.size = [int(v) for v in rng.integers(3, 13, 2)]
        self.channels = int(rng.integers(1, 5))
        self.scale, self.zero = 0.02, self._zero()
        self.model = Model(("N", self.channels, *self.size)).qdq(self.scale, self.zero, dtype)

    def _zero(self) -> int:
        return int(self.rng.integers(self.low, self.high + 1))

    def _window(self, largest: int) -> dict[str, list[int]]:
        """Kernel, strides, pads smaller than the kernel; the size follows."""
        kernel = [int(self.rng.integers(1, min(s, largest) + 1)) for s in self.size]
        strides = [int(v) for v in self.rng.integers(1, 4, 2)]
        pads = [int(v) for v in self.rng.integers(0, [*kernel, *kernel])]
        self.size = [(self.size[i] + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i in range(2)]
        return {"kernel_shape": kernel, "strides": strides, "pads": pads}

    def _weights(self, *shape: int, per_channel: bool) -> list[str]:
        """Integers, and usually a bias."""
        rng, out = self.rng, shape[0]
        scale = rng.uniform(0.002, 0.02, out if per_channel else ()).astype(np.float32)
        names = [self.model.integers(rng.integers(-127, 128, shape).astype(np.int8), scale)]
        if rng.random() < 0.8:
            bias = rng.integers(-3000, 3000, out).astype(np.int32)
            names.append(self.model.integers(bias, np.float32(self.scale) * scale))
        return names

    def _rescale(self, terms: int) -> None:
        """A scale that lets sums of so many products fill the codes."""
        self.scale, self.zero = float(self.scale * 0.5 * np.sqrt(terms) * self.rng.uniform(0.5, 2)), self._zero()

    def conv(self) -> None:
        inputs, self.channels = self.channels, int(self.rng.integers(1, 9))
        window = self._window(4)
        shape = (self.channels, inputs, *window["kernel_shape"])
        self.model.add("Conv", *self._weights(*shape, per_channel=self.rng.random() < 0.6), **window)
        self._rescale(int(np.prod(shape[1:])))
        activation = self.rng.random()
        if activation < 0.5:
            self.zero = self.low
            if activation < 0.4:
                self.model.add("Relu")
            else:
                self.model.add("Clip", np.float32(0), np.float32(self.scale * 100))

    def max_pool(self) -> None:
        self.model.add("MaxPool", **self._window(3))

    def average_pool(self) -> None:
        self.model.add("AveragePool", **self._window(3), count_include_pad=int(self.rng.random() < 0.5))
        self.scale, self.zero = self.scale * float(self.rng.uniform(0.5, 1)), self._zero()

    def global_average(self) -> None:
        self.model.add("GlobalAveragePool")
        self.size = [1, 1]
        self.scale, self.zero = self.scale * float(self.rng.uniform(0.3, 1)), self._zero()

    def relu(self) -> None:
        self.model.add("Relu")

    def dense(self) -> None:
        self.model.add("Flatten").qdq(self.scale, self.zero, self.dtype)
        inputs = self.size[0] * self.size[1] * self.channels
        out = int(self.rng.integers(1, 12))
        self.model.add("Gemm", *self._weights(out, inputs, per_channel=False), transB=1)
        self._rescale(inputs)

    def build(self) -> Model:
        steps = (self.conv, self.conv, self.max_pool, self.average_pool, self.global_average, self.relu)
        for _ in range(int(self.rng.integers(1, 6))):
            steps[int(self.rng.integers(len(steps)))]()
            self.model.qdq(self.scale, self.zero, self.dtype)
        if self.rng.random() < 0.6:
            self.dense()
            self.model.qdq(self.scale, self.zero, self.dtype)
        return self.model


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("number", range(20))
def test_random_network(number: int, dtype: str, rng: Rng) -> None:
    network = _Network(rng, dtype).build()
    model = network.build()
    x = rng.normal(0, 1.5, (30, *network.input_shape[1:])).astype(np.float32)
    got = Reference(load_network(model))(x)
    np.testing.assert_array_equal(got, run(model, x, s8s8=dtype == "int8"))
