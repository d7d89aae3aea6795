"""Runs a build: on a board, in simulation, or in NumPy; always with the model's own inputs and outputs.

`rtlnn.runtime.load("build/model")(x)` is the model's output for its input `x`.
"""

from rtlnn.runtime.backend import Backend
from rtlnn.runtime.runtime import Run, Runtime, load

__all__ = ["Backend", "Run", "Runtime", "load"]
