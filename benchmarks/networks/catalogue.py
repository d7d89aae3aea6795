"""The networks, written out."""

from dataclasses import dataclass

import onnx

from benchmarks.networks.model import quantized_model
from benchmarks.networks.topology import BatchNorm, Convolution, Dense, MaxPool, Padding, Relu, Topology

__all__ = ["NETWORKS", "Network"]


@dataclass(frozen=True)
class Network:
    """A network to measure.

    Parameters
    ----------
    name : short, for tables
    source : who published it, and what was left open there
    bits : of weights and hidden activations; the input has 8
    seed : of the weights
    """

    name: str
    source: str
    topology: Topology
    bits: int = 8
    seed: int = 1

    def model(self) -> onnx.ModelProto:
        """The quantized network (QDQ). The same bytes every time."""
        return quantized_model(self.topology, self.name, self.bits, self.seed)


NETWORKS = {
    network.name: network
    for network in (
        Network(
            "dense 784×256",
            "One dense layer with bias, requantization and ReLU: the largest of the MLP below.",
            Topology((28, 28, 1), (Dense(256), Relu())),
        ),
        Network(
            "MLP 784-256-10",
            "D. Danopoulos, C. Kachris, D. Soudris, "
            "Utilizing cloud FPGAs towards the Open Neural Network Standard, 2021.",
            Topology((28, 28, 1), (Dense(256), Relu(), Dense(10))),
        ),
        Network(
            "SVHN CNN",
            "T. Aarrestad et al., Fast convolutional neural networks on FPGAs with hls4ml, 2021: 7 bit weights and "
            "activations; the pixels have 8 here.",
            Topology(
                (32, 32, 3),
                (
                    *(Convolution(16, 3), MaxPool(2, 2), BatchNorm(), Relu()),
                    *(Convolution(16, 3), MaxPool(2, 2), BatchNorm(), Relu()),
                    *(Convolution(24, 3), MaxPool(2, 2), BatchNorm(), Relu()),
                    *(Dense(42), BatchNorm(), Relu()),
                    *(Dense(64), BatchNorm(), Relu()),
                    Dense(10),
                ),
            ),
            bits=7,
        ),
        Network(
            "LeNet",
            "As in S. Hadjis, K. Olukotun, TensorFlow to Cloud FPGAs: Tradeoffs for Accelerating Deep Neural Networks, "
            "2019: 430 k weights.",
            Topology(
                (28, 28, 1),
                (
                    *(Convolution(20, 5), MaxPool(2, 2), Convolution(50, 5), MaxPool(2, 2)),
                    *(Dense(500), Relu(), Dense(10)),
                ),
            ),
        ),
        Network(
            "TensorFlow CIFAR CNN",
            "The TensorFlow tutorial's network for CIFAR-10, as in Hadjis and Olukotun, 2019; "
            "its local response normalization is left out.",
            Topology(
                (24, 24, 3),
                (
                    *(Convolution(64, 5, Padding.SAME), Relu(), MaxPool(3, 2, Padding.SAME)),
                    *(Convolution(64, 5, Padding.SAME), Relu(), MaxPool(3, 2, Padding.SAME)),
                    *(Dense(384), Relu(), Dense(192), Relu(), Dense(10)),
                ),
            ),
        ),
        Network(
            "VGG-like CIFAR CNN",
            "Danopoulos et al., 2021, call theirs a VGG variant with three convolutions and pools, and give no sizes; "
            "assumed here: 3×3 filters with zero padding, 32, 64 and 128 channels, one hidden layer of 128.",
            Topology(
                (32, 32, 3),
                (
                    *(Convolution(32, 3, Padding.SAME), Relu(), MaxPool(2, 2)),
                    *(Convolution(64, 3, Padding.SAME), Relu(), MaxPool(2, 2)),
                    *(Convolution(128, 3, Padding.SAME), Relu(), MaxPool(2, 2)),
                    *(Dense(128), Relu(), Dense(10)),
                ),
            ),
        ),
    )
}
