"""Trains the multi-layer perceptron 784-256-10 on Fashion-MNIST, in some minutes.

python -m examples.fashion_mnist.train --data FOLDER
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
from torch import nn

from examples.datasets import Dataset, load_fashion_mnist
from examples.files import whole
from examples.onnx_export import Normalize
from examples.training import Recipe, Script, publish, run, seed, train


def mlp() -> nn.Sequential:
    """784-256-10 with ReLU: the network of Danopoulos et al."""
    return nn.Sequential(
        OrderedDict(
            normalize=Normalize(0, 255),
            flatten=nn.Flatten(),
            fc1=nn.Linear(784, 256),
            relu1=nn.ReLU(),
            dropout1=nn.Dropout(0.2),
            fc2=nn.Linear(256, 10),
        )
    )


def body(data: Dataset, folder: Path) -> None:
    """Write mlp.onnx and its calibration images."""
    with whole(folder / "calibration.npy") as file:
        np.save(file, data.train.balanced(256))
    seed(1)
    network = mlp()
    train(network, data.train, Recipe(epochs=40))
    publish(network, data.test, folder / "mlp.onnx", softmax=False, description=str(mlp.__doc__))


if __name__ == "__main__":
    sys.exit(run(Script(str(__doc__), load_fashion_mnist, body), Path(__file__).parent))
