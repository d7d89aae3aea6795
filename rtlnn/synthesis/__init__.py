"""Counts the cells of a built design with Yosys, and the depth of its logic; no vendor tool is needed."""

from rtlnn.synthesis.family import Family
from rtlnn.synthesis.result import Cells, ModuleCells, SynthResult
from rtlnn.synthesis.synth import Progress, synth
from rtlnn.synthesis.timing import Path

__all__ = ["Cells", "Family", "ModuleCells", "Path", "Progress", "SynthResult", "synth"]
