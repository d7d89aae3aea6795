"""A network on a board: build, bitstream, netlist."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rtlnn
from rtlnn.bitstream import make_bitstream
from rtlnn.platforms import load_platform
from rtlnn.platforms.uart.shell import ChipFamily, UartShell
from rtlnn.sim.result import Level

__all__ = ["CASES", "Case", "measure"]

_MODELS = Path(__file__).resolve().parents[2] / "examples" / "digits"


@dataclass(frozen=True)
class Case:
    """A board, and a network of `examples/digits`."""

    board: str
    model: str

    @property
    def name(self) -> str:
        return f"{self.board} {self.model}"


CASES = tuple(
    Case(board, model) for board in ("ulx3s", "icesugar-pro", "icebreaker", "tangnano9k") for model in ("mlp", "cnn")
)
FRAMES = 2


def measure(case: Case, work: Path, netlist: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """What came out, plain JSON data. Raises `RtlnnError` where there is no bitstream.

    Parameters
    ----------
    work : where the build goes
    netlist : simulate what Yosys made, too; not for Gowin's chips, of whose memories there are no models
    """
    folder, board = work / f"{case.board}-{case.model}", load_platform(case.board)
    report = rtlnn.build(_MODELS / f"{case.model}_int8.onnx", folder, rtlnn.Options(platform=case.board))
    started = time.perf_counter()
    made = make_bitstream(folder, board, lambda step: say(f"{case.name}: {step}"))
    seconds = time.perf_counter() - started
    exact = None
    if netlist and not (isinstance(board.shell, UartShell) and board.shell.family is ChipFamily.GOWIN):
        say(f"{case.name}: simulating the netlist")
        exact = rtlnn.simulate(folder, frames=FRAMES, level=Level.NETLIST).passed
    return {
        "board": case.board,
        "part": report["part"],
        "model": case.model,
        "interval_cycles": report["interval_cycles"],
        "latency_cycles": report["latency_cycles"],
        "netlist_equals_reference": exact,
        "seconds": round(seconds),
        **asdict(made),
        "critical_path": str(made.critical_path),
    }
