"""Large networks for images of 224x224: published topologies, seeded random weights, calibration images."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from benchmarks.networks.light import LIGHT_SIZE, light_model, natural_images
from rtlnn.ir.network import Network
from rtlnn.load import load_network

__all__ = ["BIG_NETWORKS", "BigNetwork"]

CALIBRATION_FRAMES = 4


@dataclass(frozen=True)
class BigNetwork:
    """A large network.

    Parameters
    ----------
    name : short, for tables and the command line
    topology : of the onnx package's light models
    source : who published it
    macs : multiplications of a frame of 224x224, in millions
    without : kinds of nodes that are left out
    seed : of weights and images
    """

    name: str
    topology: str
    source: str
    macs: int
    without: tuple[str, ...] = ()
    seed: int = 1

    def model(self, size: int = LIGHT_SIZE) -> onnx.ModelProto:
        """The float network for images of size x size."""
        return light_model(self.topology, self.seed, size, self.without)

    def images(self, size: int = LIGHT_SIZE, count: int = CALIBRATION_FRAMES) -> NDArray[np.float32]:
        """Calibration images (count, 3, size, size); the same for every network of a seed."""
        return natural_images(size, count, self.seed)

    def network(self, size: int = LIGHT_SIZE) -> Network:
        """The network in int8, as rtlnn quantizes it."""
        return load_network(self.model(size), self.images(size))


BIG_NETWORKS = {
    network.name: network
    for network in (
        BigNetwork(
            "squeezenet11",
            "squeezenet",
            "F. Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters, 2016; version 1.1.",
            349,
        ),
        BigNetwork("resnet50", "resnet50", "K. He et al., Deep residual learning for image recognition, 2016.", 4089),
        BigNetwork(
            "inception",
            "inception_v2",
            "S. Ioffe, C. Szegedy, Batch normalization, 2015: the Inception with batch norms.",
            2019,
        ),
        BigNetwork("densenet121", "densenet121", "G. Huang et al., Densely connected convolutional networks.", 2834),
        BigNetwork("shufflenet", "shufflenet", "X. Zhang et al., ShuffleNet, 2018; four groups.", 125),
        BigNetwork("vgg19", "vgg19", "K. Simonyan, A. Zisserman, Very deep convolutional networks, 2015.", 19632),
        BigNetwork(
            "alexnet",
            "bvlc_alexnet",
            "A. Krizhevsky et al., 2012, as Caffe has it; its local response normalization is left out.",
            655,
            ("LRN",),
        ),
        BigNetwork(
            "googlenet",
            "inception_v1",
            "C. Szegedy et al., Going deeper with convolutions, 2015; without local response normalization.",
            1432,
            ("LRN",),
        ),
        BigNetwork(
            "zfnet",
            "zfnet512",
            "M. Zeiler, R. Fergus, Visualizing and understanding convolutional networks, 2014; without local response "
            "normalization.",
            1482,
            ("LRN",),
        ),
    )
}
