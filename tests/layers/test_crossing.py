"""Streams between dies: full rate, exact cycles, and a place that is given too early is found."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rtlnn.errors import CheckFailed
from rtlnn.layers.circuit import Stage
from rtlnn.layers.crossing import CrossingConfig
from rtlnn.layers.fifo import FifoConfig
from rtlnn.layers.stream import StreamFormat
from tests.hardware import Design

Rng = np.random.Generator
FORMAT = StreamFormat(3, 7, False, 5, 6)


@dataclass(frozen=True)
class _Shallow(CrossingConfig):
    """With a place too few for the full rate."""

    @property
    def queue(self) -> FifoConfig:
        return FifoConfig(self.format, 2 * self.registers + 1)


def test_bits_and_cycles(rng: Rng, tmp_path: Path) -> None:
    stages = [Stage(f"crossing{n}", CrossingConfig(FORMAT, n)) for n in (1, 3)]
    frames = rng.integers(0, 128, (5, 6, 5))
    design = Design.of(stages, tmp_path)
    design.check(frames, frames)
    text = design.netlist.modules["dut_crossing1"]
    assert all(f"module dut_crossing1__die{n} " in text for n in (0, 1))
    assert "shreg_extract" in text
    with pytest.raises(CheckFailed):
        design.check(frames, frames, timing=[_Shallow(FORMAT, n) for n in (1, 3)])
