"""A build folder around `stub_core.v`, and what it computes."""

import shutil
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.platforms import load_platform
from rtlnn.platforms.shells import emit_shell

VERILOG = Path(__file__).with_name("stub_core.v")
SHAPE = (2, 2, 4)
BEATS = 8


class Fault(IntEnum):
    """Codes of `stub_core.v`."""

    NONE = 0
    LOSES_A_BEAT_WHEN_STALLED = 1
    CHANGES_HELD_DATA = 2
    LOSES_TLAST = 3
    WRONG_BIT = 4
    DROPS_TVALID = 5
    REPEATS_A_BEAT = 6
    WAITS_FOR_TREADY = 7
    STOPS = 8
    EARLY_TLAST = 9
    BUBBLE_AFTER_A_FRAME = 10
    SURVIVES_RESET = 11


INTERFACE = Interface(
    top="stub",
    kernel="stub_kernel",
    inputs={"s_axis": StreamPort(SHAPE, 2, 8, 8, False, 0.5, 3)},
    outputs={"m_axis": StreamPort(SHAPE, 2, 10, 16, True, 1.0, 0)},
    latency_cycles=BEATS,
    interval_cycles=BEATS,
)


def model(x: np.ndarray) -> np.ndarray:
    """Frames [N, 2, 2, 4] to frames of the same shape."""
    beats = np.asarray(x, np.int64).reshape(len(x), BEATS, 2)
    return (beats - 3 * np.arange(BEATS)[:, None]).reshape(x.shape)


@dataclass(frozen=True)
class StubReference:
    """In the place of `rtlnn.sim.reference.Reference`."""

    def outputs(self, x: np.ndarray) -> tuple[np.ndarray]:
        return (model(x),)


def plant(folder: Path, fault: Fault) -> Path:
    """A folder of memory files with the fault."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fault.mem").write_text(f"{fault:02x}\n")
    return folder


def make_build(folder: Path, fault: Fault = Fault.NONE) -> Path:
    """Write a build folder, kernel and all."""
    (folder / "rtl").mkdir(parents=True)
    shutil.copy(VERILOG, folder / "rtl" / "stub.v")
    (folder / "rtl" / "files.f").write_text("stub.v\n")
    (folder / "interface.json").write_text(INTERFACE.to_json())
    plant(folder / "mem", fault)
    emit_shell(INTERFACE, load_platform("u200"), folder)
    return folder
