"""The simulators to choose from."""

import shutil
import subprocess
from enum import Enum

from rtlnn.errors import InputError
from rtlnn.sim.toolchain import find_toolchain

__all__ = ["Simulator", "version"]


class Simulator(Enum):
    """Which program simulates."""

    VERILATOR = "verilator"
    ICARUS = "icarus"


def version(simulator: Simulator) -> str:
    """The program that runs, with its version. Raises `InputError` if it is not installed."""
    if simulator is Simulator.VERILATOR:
        return find_toolchain().description
    program = shutil.which("iverilog")
    if program is None or shutil.which("vvp") is None:
        raise InputError("Icarus Verilog is not installed; install with: sudo apt-get install -y iverilog")
    answer = subprocess.run([program, "-V"], capture_output=True, text=True, check=False).stdout
    return " ".join(answer.splitlines()[0].split()[:4]) if answer else "Icarus Verilog"
