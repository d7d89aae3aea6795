"""Drives a network on a Zynq's programmable logic: NumPy arrays in, NumPy arrays out.

Needs NumPy, and PYNQ on the board; nothing else of the package that it comes from, so that a build takes it along.
"""

from .accelerator import Accelerator
from .board import load
from .design import Buffer, Design, DriverError, Port, Registers

__all__ = ["Accelerator", "Buffer", "Design", "DriverError", "Port", "Registers", "load"]
