"""Trains LeNet-5 on MNIST, in some minutes.

python -m examples.mnist.train --data FOLDER
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
from torch import nn

from examples.datasets import Dataset, load_mnist
from examples.files import whole
from examples.onnx_export import Normalize
from examples.training import Recipe, Script, publish, run, seed, train


def lenet5() -> nn.Sequential:
    """LeNet-5 with ReLU and average pooling: 28 x 28, convolutions 5 x 5 to 6 and 16 channels, dense 400-120-84-10."""
    return nn.Sequential(
        OrderedDict(
            # MNIST's mean is 33.3 and its deviation 78.6. Whole numbers let 8 bits hold the normalized pixel exactly:
            # code and pixel are the same number, with zero point 33.
            normalize=Normalize(33, 79),
            conv1=nn.Conv2d(1, 6, 5, padding=2),
            relu1=nn.ReLU(),
            pool1=nn.AvgPool2d(2),
            conv2=nn.Conv2d(6, 16, 5),
            relu2=nn.ReLU(),
            pool2=nn.AvgPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(400, 120),
            relu3=nn.ReLU(),
            fc2=nn.Linear(120, 84),
            relu4=nn.ReLU(),
            fc3=nn.Linear(84, 10),
        )
    )


def body(data: Dataset, folder: Path) -> None:
    """Write lenet5.onnx and its calibration images."""
    with whole(folder / "calibration.npy") as file:
        np.save(file, data.train.balanced(256))
    seed(1)
    network = lenet5()
    train(network, data.train, Recipe(epochs=15, learning_rate=4e-3, shift=2))
    publish(network, data.test, folder / "lenet5.onnx", softmax=True, description=str(lenet5.__doc__))


if __name__ == "__main__":
    sys.exit(run(Script(str(__doc__), load_mnist, body), Path(__file__).parent))
