"""How the tools' wheels are run, and what their failures mean."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rtlnn.bitstream.result import Usage
from rtlnn.errors import CheckFailed, InputError

__all__ = ["DoesNotFit", "call", "check_installed", "run_tool"]

_CALL = "import sys; from {module} import {function} as run; sys.exit(run(sys.argv[1:]))"
_USAGE = re.compile(r"Info:\s+(\w+): +(\d+)/ *(\d+) ")
"""A line of nextpnr's table of cells: type, in use, on the chip."""


class DoesNotFit(InputError):
    """The design needs more cells than the chip has.

    Parameters
    ----------
    chip : whose
    short : the cells that are too few, by nextpnr's names
    """

    def __init__(self, chip: str, short: Mapping[str, Usage]) -> None:
        self.short = short
        amounts = (f"{name} {u.used:,} of {u.available:,} ({u.missing:,} too few)" for name, u in short.items())
        super().__init__(f"the design does not fit {chip}: {'; '.join(amounts)}")


def call(function: tuple[str, str], arguments: Sequence[str]) -> list[str]:
    """The command that runs a tool of a wheel in this Python."""
    module, name = function
    if name == "main":  # takes its arguments from the command line
        return [sys.executable, "-m", module, *arguments]
    return [sys.executable, "-c", _CALL.format(module=module, function=name), *arguments]


def check_installed(*modules: str) -> None:
    """Raises `InputError` with what to install."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"a bitstream needs {', '.join(missing)}; install with: pip install 'rtlnn[open]'")


def run_tool(command: Sequence[str], work: Path, what: str, chip: str = "") -> None:
    """Run a tool in the folder `work`. Raises `CheckFailed` if it fails, `DoesNotFit` if the `chip` is too small."""
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, env=dict(os.environ))
    if not done.returncode:
        return
    lines = (done.stdout + done.stderr).strip().splitlines()
    if chip and (short := dict(_short(lines))):
        raise DoesNotFit(chip, short)
    errors = [line for line in lines if "ERROR" in line] or lines[-5:]
    raise CheckFailed("\n".join([f"{what} failed:", *errors[:10]]))


def _short(lines: Sequence[str]) -> Iterator[tuple[str, Usage]]:
    for line in lines:
        if (match := _USAGE.match(line)) and (usage := Usage(int(match[2]), int(match[3]))).missing:
            yield match[1], usage
