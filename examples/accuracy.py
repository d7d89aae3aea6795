"""Accuracy of example networks on their full test sets.

    python -m examples.accuracy examples/digits examples/mnist --data data

One row a float model, one column a way to compute it: `COLUMNS` holds them, and one more is one function that turns a
model's path into a `Predict`.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import rtlnn
from examples.datasets import DATASETS, Split, load
from rtlnn.errors import InputError, RtlnnError

__all__ = [
    "COLUMNS",
    "Column",
    "Predict",
    "accuracy",
    "full_test_set",
    "integer_predict",
    "main",
    "onnxruntime_predict",
]

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A network: images in the model's own shape, float32 (N, 1, H, W), to one score per class, (N, classes)."""

BATCH = 500


@dataclass(frozen=True)
class Column:
    """A way to compute a network."""

    title: str
    predict: Callable[[Path], Predict]
    """From the path of the float ONNX model. Raises InputError if it cannot be computed that way."""


def accuracy(predict: Predict, images: NDArray[np.generic], labels: NDArray[np.integer]) -> float:
    """The fraction of `images` (N, 1, H, W) whose highest score is at its label; of equal scores the first counts.

    Images go through `predict` as float32 in batches of at most 500. Raises InputError for no images, a count of
    labels or results other than that of images, or results with NaN (which argmax would take for the highest).
    """
    if not len(images) or len(images) != len(labels):
        raise InputError(f"{len(images)} images and {len(labels)} labels: there must be as many, and at least one")
    right = 0
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH].astype(np.float32)
        scores = np.asarray(predict(batch))
        if len(scores) != len(batch):
            raise InputError(f"the network returned {len(scores)} results for {len(batch)} images")
        if np.isnan(scores).any():
            raise InputError(f"the network returned NaN for images {start} to {start + len(batch) - 1}")
        right += int(np.count_nonzero(scores.reshape(len(batch), -1).argmax(axis=1) == labels[start : start + BATCH]))
    return right / len(images)


def onnxruntime_predict(model: Path) -> Predict:
    """The ONNX model as onnxruntime computes it, by its first input and output."""
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("float accuracy needs onnxruntime; install it with `pip install onnxruntime`") from error
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = session.run(None, {name: images})[0]
        return result

    return predict


def integer_predict(model: Path) -> Predict:
    """The int8 model made from `model`, as the hardware computes it, bit for bit."""
    return rtlnn.reference(model.with_name(f"{model.stem}_int8.onnx"))


COLUMNS = (Column("float (onnxruntime)", onnxruntime_predict), Column("integer", integer_predict))


def full_test_set(folder: Path, data: Path | None) -> Split:
    """The full test set of the examples in `folder`: its `test.npz` (images, labels), else from the data set.

    Raises InputError if the folder is no example's, or the data set is not at hand.
    """
    committed = folder / "test.npz"
    if committed.is_file():
        with np.load(committed) as arrays:
            return Split(arrays["images"], arrays["labels"].astype(np.int64))
    if folder.name not in DATASETS:
        raise InputError(
            f"{folder}: neither a test.npz in it nor a known data set of that name ({', '.join(DATASETS)})"
        )
    return load(folder.name, data).test


def float_models(folder: Path) -> list[Path]:
    """The float models in `folder`, by name; `*_int8.onnx` are made from them. Raises InputError if there are none."""
    models = sorted(path for path in folder.glob("*.onnx") if not path.stem.endswith("_int8"))
    if not models:
        raise InputError(f"{folder}: no ONNX model; give the folder of an example, such as examples/digits")
    return models


def table(folders: Sequence[Path], data: Path | None, columns: Sequence[Column] = COLUMNS) -> Table:
    """Accuracy in per cent of every float model in `folders`."""
    result = Table("model", "images", *(column.title for column in columns))
    for folder in folders:
        models = float_models(folder)
        test = full_test_set(folder, data)
        for model in models:
            scores = (accuracy(column.predict(model), test.images, test.labels) for column in columns)
            name = f"{folder.name}/{model.stem}"
            result.add_row(name, f"{len(test.images):,}", *(f"{100 * score:.2f} %" for score in scores))
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table for the folders named on the command line; 0, or a user error's exit code."""
    parser = argparse.ArgumentParser(description="Accuracy of example networks on their full test sets.")
    parser.add_argument("folders", type=Path, nargs="+", help="folders of examples, such as examples/digits")
    parser.add_argument("--data", type=Path, help="folder with the data sets' files; the digits need none")
    options = parser.parse_args(arguments)
    try:
        Console().print(table([folder.resolve() for folder in options.folders], options.data))
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
