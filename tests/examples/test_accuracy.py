"""`examples.accuracy`: the number is right, and what cannot be scored is said."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.accuracy import Column, accuracy, full_test_set, main, table
from rtlnn.errors import InputError

DIGITS = Path(__file__).parents[2] / "examples" / "digits"


def one_hot(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores the class that the image's first pixel names."""
    result: NDArray[np.float32] = np.eye(10, dtype=np.float32)[images[:, 0, 0, 0].astype(int)]
    return result


def numbered(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    return np.broadcast_to(labels.astype(np.uint8)[:, None, None, None], (len(labels), 1, 2, 2))


@pytest.mark.parametrize("count", [1, 499, 500, 501, 1203])
def test_counts_over_batches(count: int) -> None:
    labels = np.arange(count) % 10
    assert accuracy(one_hot, numbered(labels), labels) == 1.0
    wrong = labels.copy()
    wrong[-1] = (wrong[-1] + 1) % 10
    assert accuracy(one_hot, numbered(labels), wrong) == (count - 1) / count


def test_images_arrive_as_float_batches() -> None:
    seen: list[tuple[tuple[int, ...], str]] = []

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append((images.shape, images.dtype.name))
        return one_hot(images)

    accuracy(predict, numbered(np.zeros(501, np.int64)), np.zeros(501, np.int64))
    assert seen == [((500, 1, 2, 2), "float32"), ((1, 1, 2, 2), "float32")]


def test_refuses_what_cannot_be_scored() -> None:
    labels = np.zeros(3, np.int64)
    with pytest.raises(InputError, match="3 images and 2 labels"):
        accuracy(one_hot, numbered(labels), labels[:2])
    with pytest.raises(InputError, match="at least one"):
        accuracy(one_hot, numbered(labels[:0]), labels[:0])
    with pytest.raises(InputError, match="2 results for 3 images"):
        accuracy(lambda images: one_hot(images)[1:], numbered(labels), labels)
    with pytest.raises(InputError, match="NaN for images 0 to 2"):
        accuracy(lambda images: one_hot(images) * np.float32("nan"), numbered(labels), labels)


def test_table_has_a_row_per_float_model_and_any_column(tmp_path: Path) -> None:
    for name in ("mlp.onnx", "test.npz"):
        shutil.copy(DIGITS / name, tmp_path)
    (tmp_path / "mlp_int8.onnx").write_bytes(b"")
    test = full_test_set(tmp_path, None)

    def always_three(model: Path) -> object:
        assert model == tmp_path / "mlp.onnx"
        return lambda images: np.tile(np.arange(10) == 3, (len(images), 1))

    made = table([tmp_path], None, [Column("three", always_three)])  # type: ignore[arg-type]
    assert [list(column.cells) for column in made.columns] == [
        [f"{tmp_path.name}/mlp"],
        ["360"],
        [f"{100 * np.mean(test.labels == 3):.2f} %"],
    ]


def test_main(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    assert main([str(DIGITS)]) == 0
    assert "digits/cnn" in capsys.readouterr().out
    assert main([str(tmp_path)]) == 2
    assert "no ONNX model" in capsys.readouterr().err
    shutil.copy(DIGITS / "mlp.onnx", tmp_path)
    assert main([str(tmp_path)]) == 2
    assert "neither a test.npz in it nor a known data set" in capsys.readouterr().err
