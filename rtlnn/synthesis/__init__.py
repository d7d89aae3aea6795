"""Counts the cells of a built design with Yosys, for UltraScale+; no vendor tool is needed."""

from rtlnn.synthesis.result import Cells, ModuleCells, SynthResult
from rtlnn.synthesis.synth import Progress, synth

__all__ = ["Cells", "ModuleCells", "Progress", "SynthResult", "synth"]
