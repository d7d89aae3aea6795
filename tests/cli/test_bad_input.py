"""Bad input through the command line: one message, exit code 2, nothing left behind."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rtlnn.cli import main
from tests.cli.models import BAD_MODELS, SHAPE, save_inputs, save_small

Refuses = Callable[..., None]

GOOD = ("model.onnx", "--calibration", "data.npy")


def _tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(here: Path) -> Path:
    """A current folder with a good model and its calibration data."""
    save_small(here / "model.onnx")
    save_inputs(here / "data.npy")
    return here


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The plan file of the model."""
    folder = tmp_path_factory.mktemp("plan")
    save_small(folder / "model.onnx")
    assert main(["build", str(folder / "model.onnx"), "--calibration", "random", "-o", str(folder / "out")]) == 0
    return (folder / "out" / "plan.json").read_text()


@pytest.fixture
def refuses(here: Path, capsys: pytest.CaptureFixture[str]) -> Refuses:
    """Run a command line that must be refused with a message."""

    def run(*arguments: str, message: str) -> None:
        before = _tree(here)
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("error:") == 1
        assert "Traceback" not in err
        assert re.search(message, err), err
        assert _tree(here) == before

    return run


@pytest.mark.parametrize("command", ["build", "estimate", "quantize"])
@pytest.mark.parametrize("case", BAD_MODELS)
def test_models(case: str, command: str, here: Path, refuses: Refuses) -> None:
    write, message = BAD_MODELS[case]
    write(here / "model.onnx")
    refuses(command, "model.onnx", "--calibration", "random", message=message)


def test_float_model_without_calibration(model: Path, refuses: Refuses) -> None:
    for command in ("build", "estimate", "quantize"):
        refuses(command, "model.onnx", message=r"give --calibration data\.npy")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            np.zeros((5, 6, 6, 1), np.float32),
            r"shape \(5, 6, 6, 1\); the input 'x' of the model needs \(frames, 1, 6, 6\)",
        ),
        (np.full((5, *SHAPE), np.nan), "180 values that are NaN or infinite"),
        (np.zeros((0, *SHAPE)), "no frames"),
        (None, "does not exist"),
    ],
)
def test_calibration(data: np.ndarray | None, message: str, model: Path, refuses: Refuses) -> None:
    if data is None:
        (model / "data.npy").unlink()
    else:
        np.save(model / "data.npy", data)
    for command in ("build", "quantize"):
        refuses(command, *GOOD, message=message)


def test_unknown_platform(model: Path, refuses: Refuses) -> None:
    refuses("build", *GOOD, "--platform", "u2000", message="unknown platform 'u2000': did you mean u200")
    refuses("platforms", "show", "u2000", message="did you mean u200")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--max-lut", "100"), r"larger than allowed: .* [\d,]+ LUT where 100 are allowed; .* larger "),
        (("--target-interval", "2"), r"interval of 2 cycles cannot be reached.*the best .* [\d,]+ cycles"),
        (("--target-fps", "1e9"), r"1,000,000,000 frames a second cannot be reached"),
        (("--target-fps", "9", "--target-interval", "9"), "not both"),
        (("--target-interval", "0"), "at least 1 cycle"),
        (("--max-dsp", "-1"), "must not be negative"),
        (("--target-interval", "soon"), r"--target-interval: invalid int value: 'soon'; see `rtlnn build --help`"),
        (("--optimize", "power"), r"invalid choice: 'power'"),
        (("--input-shape", "1,2"), r"'1,2' is not a name and a shape"),
        (("--input-shape", "x=1,0"), r"'x=1,0' is not a name and a shape"),
        (("--plan", "none.json"), r"cannot read the plan none\.json"),
    ],
)
def test_options(options: tuple[str, ...], message: str, model: Path, refuses: Refuses) -> None:
    refuses("build", *GOOD, *options, message=message)


def test_network_larger_than_the_device(model: Path, refuses: Refuses) -> None:
    tiny = Path(main.__code__.co_filename).parents[1] / "platforms" / "xc7z020.yaml"
    text = re.sub(r"lut: \d+", "lut: 300", tiny.read_text())
    (model / "tiny.yaml").write_text(text)
    refuses("build", *GOOD, "--platform", "tiny.yaml", message=r"larger than allowed: .* LUT where 210 are allowed")


def test_platform_file_with_faults(model: Path, refuses: Refuses) -> None:
    """All of them at once, each with its place, from every command that reads the file."""
    good = Path(main.__code__.co_filename).parents[1] / "platforms" / "xc7z020.yaml"
    text = good.read_text().replace("clock_mhz: 100", "clock_mhz: 100MHz").replace("dsp:", "dps:")
    (model / "mine.yaml").write_text(text)
    message = (
        r"platform file mine\.yaml:\n"
        r"  line \d+, column 12: `clock_mhz` must be a number in MHz, not '100MHz'; write 100\n"
        r"  line \d+, column \d+: unknown key `dps` in an entry of `slrs`; did you mean `dsp`\?\n"
    )
    for command in (("build", *GOOD, "--platform"), ("estimate", *GOOD, "--platform"), ("platforms", "show")):
        refuses(*command, "./mine.yaml", message=message)


def test_output_that_is_a_file(model: Path, refuses: Refuses) -> None:
    (model / "out").write_text("mine")
    refuses("build", *GOOD, "-o", "out", message="the output out is a file; give a folder")
    (model / "folder").mkdir()
    refuses("quantize", *GOOD, "-o", "folder", message="the output folder is a folder; give a file")


def test_output_folder_with_other_things(model: Path, refuses: Refuses) -> None:
    (model / "thesis").mkdir()
    (model / "thesis" / "chapter1.txt").write_text("years of work")
    refuses("build", *GOOD, "-o", "thesis", message="is a folder with other things in it")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("pe", 5, "plan, layer 'conv': pe 5 exceeds the 4 output channels"),
        ("lanes", 2, "lanes 2 exceed the 1 input channels"),
        ("parallel", [2, 3], "parallel rows 2 must be 1 or the kernel's 3"),
        ("pe", "many", "pe must be a positive whole number, not 'many'"),
        ("simd", 3, "unknown key simd"),
        ("name", "conv9", "the plan is for layers conv9, "),
    ],
)
def test_edited_plan(key: str, value: object, message: str, plan: str, model: Path, refuses: Refuses) -> None:
    edited = json.loads(plan)
    edited["layers"][0][key] = value
    (model / "plan.json").write_text(json.dumps(edited))
    refuses("build", *GOOD, "--plan", "plan.json", message=message)


def test_build_folders(model: Path, refuses: Refuses) -> None:
    for command in ("simulate", "synth"):
        refuses(command, "none", message="none is not a folder")
        (model / "empty").mkdir(exist_ok=True)
        refuses(command, "empty", message=r"empty is not a build folder")
    refuses("simulate", "none", "--level", "gate", message="invalid choice: 'gate'")
    for option in ("--by-layer", "--waves", "--frames=3"):
        name = option.partition("=")[0]
        refuses("simulate", "none", "--card", option, message=f"host program's own test; {name} does not go with it")
    refuses("simulate", "none", "--card", "--level", "kernel", message="give neither --level nor --simulator")


def test_folder_that_cannot_be_written(model: Path, refuses: Refuses) -> None:
    refuses("build", *GOOD, "-o", "/proc/rtlnn/build", message="/proc/rtlnn")


def test_no_traceback_from_the_program_itself(here: Path) -> None:
    command = [sys.executable, "-m", "rtlnn", "build", "none.onnx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: none.onnx does not exist; check the path\n"
