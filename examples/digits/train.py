"""Trains the two networks on scikit-learn's digits (8 x 8 pixels, 0 to 16), in half a minute.

python -m examples.digits.train
"""

import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
from torch import nn

from examples.datasets import Dataset, load_digits
from examples.files import whole
from examples.onnx_export import Normalize
from examples.training import Recipe, Script, publish, run, seed, train


def mlp() -> nn.Sequential:
    """64-64-32-10 with ReLU."""
    return nn.Sequential(
        OrderedDict(
            normalize=Normalize(0, 16),
            flatten=nn.Flatten(),
            fc1=nn.Linear(64, 64),
            relu1=nn.ReLU(),
            dropout1=nn.Dropout(0.2),
            fc2=nn.Linear(64, 32),
            relu2=nn.ReLU(),
            fc3=nn.Linear(32, 10),
        )
    )


def cnn() -> nn.Sequential:
    """Twice convolution 3 x 3, batch norm, ReLU (16, then 32 channels); max pooling to 4 x 4; dense 512-10."""
    return nn.Sequential(
        OrderedDict(
            normalize=Normalize(0, 16),
            conv1=nn.Conv2d(1, 16, 3, padding=1, bias=False),
            bn1=nn.BatchNorm2d(16),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 32, 3, padding=1, bias=False),
            bn2=nn.BatchNorm2d(32),
            relu2=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc=nn.Linear(512, 10),
        )
    )


def body(data: Dataset, folder: Path) -> None:
    """Write mlp.onnx, cnn.onnx, and the data that let both be used without scikit-learn."""
    with whole(folder / "calibration.npy") as file:
        np.save(file, data.train.balanced(256))
    with whole(folder / "test.npz") as file:
        np.savez_compressed(file, images=data.test.images, labels=data.test.labels.astype(np.uint8))
    for name, make, recipe, softmax in (
        ("mlp", mlp, Recipe(epochs=60, batch=32, learning_rate=5e-3), True),
        ("cnn", cnn, Recipe(epochs=60, batch=32, shift=1), False),
    ):
        seed(1)
        network = make()
        train(network, data.train, recipe)
        publish(network, data.test, folder / f"{name}.onnx", softmax=softmax, description=str(make.__doc__))


if __name__ == "__main__":
    sys.exit(run(Script(str(__doc__), load_digits, body), Path(__file__).parent))
