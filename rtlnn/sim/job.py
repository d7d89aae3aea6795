"""What is to be simulated, for both levels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.compiled import quiet_limit
from rtlnn.sim.result import Progress
from rtlnn.sim.simulators import Simulator

__all__ = ["Job"]


@dataclass(frozen=True, eq=False)
class Job:
    """A build, frames to send and frames to expect ([N, H, W, C] of each input and output), and how to run them.

    Parameters
    ----------
    waves : record signals
    seed : of stalls
    cache_dir : where simulator builds are kept, None for the user's cache folder
    """

    folder: BuildFolder
    inputs: tuple[NDArray[np.int64], ...]
    expected: tuple[NDArray[np.int64], ...]
    simulator: Simulator
    waves: bool
    seed: int
    progress: Progress
    cache_dir: Path | None

    @property
    def frames(self) -> int:
        return len(self.inputs[0])

    @property
    def quiet_limit(self) -> int:
        return quiet_limit(self.folder.interface)

    def affordable(self, cycles: int, most: int) -> int:
        """How many of the job's frames, up to `most`, take at most `cycles` without stalls; at least a batch."""
        interface = self.folder.interface
        room = (cycles - interface.latency_cycles) // interface.interval_cycles
        return max(1, min(self.frames, most, room) // interface.batch) * interface.batch
