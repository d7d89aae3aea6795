"""Inputs for the networks, from a folder of data sets; each as the network's makers prepare it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from examples.datasets import load as load_images
from rtlnn.errors import InputError

__all__ = [
    "Inputs",
    "Source",
    "cifar_int8",
    "cifar_large",
    "cifar_normalized",
    "cifar_raw",
    "cifar_threefold_int8",
    "ecg",
    "mnist_raw",
    "mnist_unit",
    "noise",
    "noise_int8",
    "pixels_unit",
]

_SEED = 2021


@dataclass(frozen=True, eq=False)
class Inputs:
    """Frames for a network.

    Parameters
    ----------
    frames : (N, ...) in the model's own shape and type
    labels : (N,) classes; None where nobody gave any
    calibration : typical frames, apart from `frames` where the data set allows; None for quantized models
    """

    frames: NDArray[np.generic]
    labels: NDArray[np.integer] | None = None
    calibration: NDArray[np.generic] | None = None


Source = Callable[[Path], Inputs]
"""Reads a network's inputs from the folder of data sets."""


def _cifar(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
    """CIFAR-10's test images (N, 32, 32, 3), one in each row of a PNG file, and their labels."""
    images, labels = folder / "cifar10.test-part0of3.rows1024.png", folder / "cifar10.test-labels.u8"
    for file in (images, labels):
        if not file.exists():
            raise InputError(f"there is no {file}; give the folder of the data sets with --data")
    pixels = np.asarray(Image.open(images)).reshape(-1, 32, 32, 3)
    return pixels, np.fromfile(labels, dtype=np.uint8)[: len(pixels)].astype(np.int64)


def cifar_int8(folder: Path) -> Inputs:
    """Pixels less 128 (TensorFlow Lite's int8 images)."""
    images, labels = _cifar(folder)
    return Inputs((images.astype(np.int16) - 128).astype(np.int8), labels)


def cifar_raw(folder: Path) -> Inputs:
    """Pixels as real numbers; the last 300 images calibrate."""
    images, labels = _cifar(folder)
    real = images.astype(np.float32)
    return Inputs(real[:-300], labels[:-300], real[-300:])


def cifar_normalized(folder: Path) -> Inputs:
    """Pixels with each colour's mean taken away, over its standard deviation: (N, 3, 32, 32)."""
    images, labels = _cifar(folder)
    mean, deviation = np.array([0.4914, 0.4822, 0.4465]), np.array([0.247, 0.243, 0.261])
    return Inputs(((images / 255.0 - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32), labels)


def cifar_threefold_int8(folder: Path) -> Inputs:
    """Images of 96x96, for want of a photograph of people: (N, 96, 96, 3) int8."""
    images, _ = _cifar(folder)
    large = images[:400].repeat(3, axis=1).repeat(3, axis=2)
    return Inputs((large.astype(np.int16) - 128).astype(np.int8))


def cifar_large(folder: Path) -> Inputs:
    """Images of 224x224, for want of ImageNet's: (N, 3, 224, 224), normalized as there."""
    images, _ = _cifar(folder)
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    large = ((images[:40] / 255.0 - mean) / deviation).repeat(7, axis=1).repeat(7, axis=2)
    return Inputs(large.transpose(0, 3, 1, 2).astype(np.float32))


def mnist_raw(folder: Path) -> Inputs:
    """Pixels from 0 to 255: (N, 1, 28, 28)."""
    data = load_images("mnist", folder)
    return Inputs(data.test.images.astype(np.float32), data.test.labels, data.train.balanced(500).astype(np.float32))


def mnist_unit(folder: Path) -> Inputs:
    """Pixels from 0 to 1."""
    raw = mnist_raw(folder)
    return Inputs(raw.frames.astype(np.float32) / np.float32(255), raw.labels)


def ecg(folder: Path) -> Inputs:
    """Heartbeats (N, 1, 140) of ECG5000's training set; every second one calibrates."""
    with np.load(folder / "ecg5000_train500.npz") as arrays:
        x, y = arrays["x"][:, np.newaxis], arrays["y"].astype(np.int64)
    return Inputs(x[1::2], y[1::2], x[::2])


def pixels_unit(shape: tuple[int, ...]) -> Source:
    """Patches of CIFAR's images, pixels from 0 to 1, channels first."""

    def read(folder: Path) -> Inputs:
        images, _ = _cifar(folder)
        _, height, width = shape
        patches = images[:, :height, :width].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        return Inputs(patches[:-300], None, patches[-300:])

    return read


def noise(shape: tuple[int, ...], calibrated: bool = True) -> Source:
    """Normally distributed numbers, where no data set is at hand."""

    def read(folder: Path) -> Inputs:
        del folder
        x = np.random.default_rng(_SEED).standard_normal((600, *shape)).astype(np.float32)
        return Inputs(x[300:], None, x[:300] if calibrated else None)

    return read


def noise_int8(shape: tuple[int, ...]) -> Source:
    """Integers of the whole range."""

    def read(folder: Path) -> Inputs:
        del folder
        return Inputs(np.random.default_rng(_SEED).integers(-128, 128, (300, *shape)).astype(np.int8))

    return read
