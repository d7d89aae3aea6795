"""`rtlnn run`: arrays in, arrays out."""

from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn.array_files import check_target
from rtlnn.cli import main
from tests.cli.models import save_inputs, save_small

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a build `b` and inputs `x.npy`."""
    folder = tmp_path_factory.mktemp("run")
    save_small(folder / "model.onnx")
    save_inputs(folder / "x.npy", 6)
    options = rtlnn.Options(platform="xc7z020", calibration=folder / "x.npy", target_interval=400)
    rtlnn.build(folder / "model.onnx", folder / "b", options)
    return folder


@pytest.fixture
def here(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def test_simulated_by_default(here: Path, capsys: Output) -> None:
    assert main(["run", "b", "x.npy", "-o", "y.npy"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "6 frames in" in out
    assert "(simulator)" in out
    assert "clock cycles" in out
    np.testing.assert_array_equal(np.load("y.npy"), rtlnn.reference("b")(np.load("x.npy")))
    assert not list(here.glob(".*"))


def test_reference_by_name(here: Path, capsys: Output) -> None:
    x = np.load("x.npy")
    np.savez("x.npz", x=x)
    assert main(["run", "b", "x.npz", "--backend", "reference", "--batch", "4", "-o", "y.npz"]) == 0
    (name,) = (port.name for port in rtlnn.reference("b").network.outputs)
    np.testing.assert_array_equal(np.load("y.npz")[name], rtlnn.reference("b")(x))
    capsys.readouterr()
    assert main(["run", "b", "x.npy", "--backend", "reference"]) == 0
    assert f"{name}: float32 (6, 3)\n[[" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "x.npy"], "nowhere is not a folder"),
        (["b", "nowhere.npy"], "nowhere.npy cannot be read as a NumPy array file"),
        (["b", "x.npy", "-o", "y.txt"], "y.txt must end with .npy or .npz"),
        (["b", "x.npy", "-o", "none/y.npy"], "there is no folder none"),
        (["b", "x.npy", "--batch", "0"], "a batch of 0 frames"),
        (["b", "x.npy", "--device", "1"], "the back end reference has no option 'device'"),
    ],
)
def test_bad_input(here: Path, capsys: Output, arguments: list[str], message: str) -> None:
    before = sorted(here.rglob("*"))
    assert main(["run", *arguments, "--backend", "reference"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"), [(["b", "wrong.npy"], "has shape"), (["b", "x.npy", "-o", "y.txt"], "must end with")]
)
def test_what_is_given_is_checked_before_the_back_end_is_opened(
    here: Path, capsys: Output, arguments: list[str], message: str
) -> None:
    np.save(here / "wrong.npy", np.zeros((2, 3, 5, 7, 1)))
    assert main(["run", *arguments, "--port", "/nowhere/tty"]) == 2
    assert message in capsys.readouterr().err


def test_one_file_cannot_hold_several_results(tmp_path: Path) -> None:
    check_target(tmp_path / "y.npz", 2)
    with pytest.raises(rtlnn.InputError, match=r"can hold one array, and there are 2; write a \.npz file"):
        check_target(tmp_path / "y.npy", 2)
