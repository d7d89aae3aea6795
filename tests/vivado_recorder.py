"""Runs a Tcl script against the recorder of Vivado commands: with `tclsh`, or with Python's own Tcl."""

import contextlib
import shutil
import subprocess
from collections.abc import Sequence
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


def record(script: Path, folder: Path, *arguments: str) -> list[Call]:
    """The Vivado commands that the script calls in `folder` with `arguments`, in order.

    Raises `RuntimeError` with Tcl's message. Skips the test if there is no Tcl.
    """
    run = _with_tclsh if shutil.which("tclsh") else _with_tkinter
    report = run(script, folder, arguments)
    calls = []
    for line in report.splitlines():
        name, count, *rest = line.split("\x1f")
        options = rest[int(count) :]
        pairs = dict(zip(options[::2], options[1::2], strict=True))
        calls.append(Call(name, tuple(rest[: int(count)]), pairs))
    return calls


def _with_tclsh(script: Path, folder: Path, arguments: Sequence[str]) -> str:
    command = ["tclsh", RECORDER, script, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise RuntimeError(done.stderr)
    return done.stdout.rstrip("\n").rpartition("report:\n")[2]


def _with_tkinter(script: Path, folder: Path, arguments: Sequence[str]) -> str:
    tkinter = pytest.importorskip("tkinter", reason="no Tcl: install tcl or python3-tk")
    tcl = tkinter.Tcl()  # needs no display
    try:
        tcl.call("source", str(RECORDER))
        tcl.call("set", "argv", tuple(arguments))
        with contextlib.chdir(folder):
            tcl.call("source", str(script))
            report = str(tcl.eval("report"))
    except tkinter.TclError as error:
        raise RuntimeError(str(error)) from None
    return report
