"""Runs a Tcl script against the recorder of Vivado commands: with `tclsh`, or with Python's own Tcl."""

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

RECORDER = Path(__file__).with_name("vivado_recorder.tcl")


@dataclass(frozen=True)
class Call:
    """One Vivado command, with its switches as options of value 1."""

    name: str
    arguments: tuple[str, ...]
    options: dict[str, str]


def record(script: Path, folder: Path) -> list[Call]:
    """The Vivado commands that the script calls in `folder`, in order. Raises `RuntimeError` with Tcl's message.

    Skips the test if there is no Tcl.
    """
    report = _with_tclsh(script, folder) if shutil.which("tclsh") else _with_tkinter(script, folder)
    calls = []
    for line in report.splitlines():
        name, count, *rest = line.split("\x1f")
        options = rest[int(count) :]
        pairs = dict(zip(options[::2], options[1::2], strict=True))
        calls.append(Call(name, tuple(rest[: int(count)]), pairs))
    return calls


def _with_tclsh(script: Path, folder: Path) -> str:
    done = subprocess.run(["tclsh", RECORDER, script], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise RuntimeError(done.stderr)
    return done.stdout.rstrip("\n")


def _with_tkinter(script: Path, folder: Path) -> str:
    tkinter = pytest.importorskip("tkinter", reason="no Tcl: install tcl or python3-tk")
    tcl = tkinter.Tcl()  # needs no display
    try:
        tcl.call("source", str(RECORDER))
        with contextlib.chdir(folder):
            tcl.call("source", str(script))
            report = str(tcl.eval("report"))
    except tkinter.TclError as error:
        raise RuntimeError(str(error)) from None
    return report
