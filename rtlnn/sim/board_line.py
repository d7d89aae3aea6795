"""A simulated board behind a serial line: the same host code talks to it as to a real one.

The chip's whole top module is simulated, bit by bit on the line; its PLL passes the oscillator's clock on.
"""

import ctypes
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rtlnn.errors import InputError
from rtlnn.platforms.uart.facts import NETLIST_FILE, LinkFacts
from rtlnn.platforms.uart.shell import ChipFamily
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.toolchain import default_cache_dir, find_toolchain, prune, run_tool

__all__ = ["SimulatedLine", "compile_board", "compile_netlist"]

_OPTIONS = (
    *("--cc", "--exe", "--build", "--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-style", "--prefix", "Vboard", "-o", "board.so"),
    *("-CFLAGS", "-fPIC -fno-gnu-unique", "-LDFLAGS", "-shared -s -Wl,-Bsymbolic"),
)
_MODELS = Path(__file__).parent / "models"
_CLOCKS = _MODELS / "clock"
_CELLS = {
    ChipFamily.ECP5: ("lattice/cells_sim_ecp5.v", ("DP16KD", "MULT18X18D")),
    ChipFamily.ICE40: ("ice40/cells_sim.v", ()),
}
"""Yosys's models, and which of them this package replaces."""
_BITS = 10
"""Of a byte on the line, with start and stop."""
_FEW = 1 << 16
"""Cycles to simulate at a time where nothing is sent."""


def compile_board(folder: BuildFolder, cache_dir: Path | None = None) -> Path:
    """The shared library of a build's board.

    Raises `InputError` without tools, `BuildError` if Verilator or the compiler refuses the design.
    """
    top = folder.interface.kernel or ""
    # the library reads the memories where they are
    options = ["--top-module", top, f'-DRTLNN_MEM_DIR="{folder.mem_dir.resolve()}/"']
    return _compile(top, options, [*folder.core_files, *folder.kernel_files], cache_dir)


def compile_netlist(folder: BuildFolder, cache_dir: Path | None = None) -> Path:
    """The same of the netlist that the build's bitstream was made of, with Yosys's models of the family's cells.

    Block RAM and multiplier of the ECP5, of which Yosys has but the ports, are this package's.
    Raises `InputError` without tools, Yosys, a netlist, or models of the family; `BuildError` if Verilator or the
    compiler refuses the netlist.
    """
    package, netlist = find_spec("pyosys"), folder.path / NETLIST_FILE
    family = LinkFacts.load(folder.path).family
    if family not in _CELLS:
        raise InputError(f"there are no models of block RAM and multipliers of the family {family.value}")
    if not netlist.is_file():
        raise InputError(f"{folder.path} has no netlist; build it with --bitstream")
    if package is None or package.origin is None:
        raise InputError("the models of cells are Yosys's; install with: pip install 'rtlnn[open]'")
    file, own = _CELLS[family]
    models = Path(package.origin).parent / "share" / file
    text = models.read_text()
    for name in (*own, *(path.stem for path in _CLOCKS.glob("*.v"))):
        text = re.sub(rf"(?ms)^(\(\*[^\n]*\*\)\s*)?module {name}\b.*?^endmodule", "", text)
    # the models' delays are of no interest, and not every simulator reads them
    text = re.sub(r"(?ms)^\s*specify\b.*?\bendspecify\b", "", text)
    top = folder.interface.kernel or ""
    with tempfile.TemporaryDirectory(prefix="rtlnn-cells-") as name:
        cells = Path(name) / "cells.v"
        cells.write_text(text)
        sources = [cells, netlist, *(_MODELS / family.value / f"{name}.v" for name in own)]
        # few frames are simulated: compiling takes most of the time
        options = ["--top-module", top, f"-I{models.parent}", "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "-CFLAGS", "-O0"]
        return _compile(f"{top}-netlist", options, sources, cache_dir)


def _compile(name: str, own_options: Sequence[str], files: Sequence[Path], cache_dir: Path | None) -> Path:
    """Verilator's model and the harness, from the cache if they are there."""
    tools, cache_folder = find_toolchain(), cache_dir or default_cache_dir()
    sources = [*files, *sorted(_CLOCKS.glob("*.v"))]
    options = [*_OPTIONS, *own_options]
    harness = Path(__file__).with_name("board_harness.cpp")
    digest = hashlib.sha256("\0".join([tools.version, *options]).encode())
    for source in (harness, *sources):
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    library = cache_folder / "boards" / f"{name}-{digest.hexdigest()[:24]}.so"
    if library.exists():
        os.utime(library)
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    prune(library.parent)
    with tempfile.TemporaryDirectory(dir=cache_folder, prefix="build-") as scratch:
        work = Path(scratch)
        command = [str(tools.executable), *options, "-Mdir", "obj", "-j", str(os.cpu_count() or 1)]
        command += [str(path.resolve()) for path in (harness, *sources)]
        run_tool(command, work, tools.environment(cache_folder), f"building the simulator of {name}")
        os.replace(shutil.move(work / "obj" / "board.so", work / "board.so"), library)
    return library


class SimulatedLine:
    """A serial port with a simulated board at its other end: what pyserial's `Serial` has, as far as it is needed.

    Time passes while `read` waits. A context manager.

    Parameters
    ----------
    library : of `compile_board`
    bit : cycles a bit; need not be a whole number
    timeout : cycles that `read` waits for the first byte
    """

    def __init__(self, library: Path, bit: float, timeout: int = 1_000_000) -> None:
        self._library, self._bit, self.timeout = _load(library), bit, timeout
        self._board = ctypes.c_void_p(self._library.board_open())
        self._unsent: list[NDArray[np.uint8]] = []
        self._levels = np.ones(0, np.uint8)
        self._came = bytearray()
        self.cycles = 0

    @property
    def in_waiting(self) -> int:
        """Bytes that have come."""
        return len(self._came)

    def write(self, data: bytes, /) -> int:
        """Put bytes on the line; they are sent while time passes."""
        bits = np.ones((len(data), _BITS), np.uint8)
        bits[:, 0] = 0
        bits[:, 1:9] = np.unpackbits(np.frombuffer(data, np.uint8)[:, np.newaxis], axis=1, bitorder="little")
        self.drive(bits.ravel())
        return len(data)

    def drive(self, bits: NDArray[np.uint8]) -> None:
        """Put levels on the line, each for as long as a bit."""
        cycles = np.floor(np.arange(len(bits) + 1) * self._bit + 0.5).astype(np.int64)
        self._unsent.append(np.repeat(bits.astype(np.uint8), np.diff(cycles)))

    def read(self, size: int = 1, /) -> bytes:
        """Up to `size` bytes; fewer if the line is silent for `timeout` cycles, and nothing is left to send."""
        silent = 0
        while len(self._came) < size and silent < self.timeout:
            before = len(self._came)
            if self._unsent:
                self._run(self._unsent.pop(0))
            else:
                cycles = min(_FEW, int(2 * _BITS * self._bit) + 1)
                self._run(np.ones(cycles, np.uint8))
                silent = 0 if len(self._came) > before else silent + cycles
        taken = bytes(self._came[:size])
        del self._came[:size]
        return taken

    def _run(self, rx: NDArray[np.uint8]) -> None:
        tx = np.empty(len(rx), np.uint8)
        given, made = (ctypes.c_void_p(array.ctypes.data) for array in (rx, tx))
        self._library.board_run(self._board, given, made, ctypes.c_uint64(len(rx)))
        self.cycles += len(rx)
        self._levels = np.concatenate([self._levels, tx])
        at, length = 0, int(np.ceil(_BITS * self._bit))
        while True:
            starts = np.flatnonzero(self._levels[at:] == 0)
            at = at + int(starts[0]) if len(starts) else len(self._levels)
            if at + length > len(self._levels):
                break
            bits = self._levels[at + np.floor((np.arange(1, 10) + 0.5) * self._bit).astype(np.int64)]
            self._came.append(int(np.packbits(bits[:8], bitorder="little")[0]))
            # the next start bit is looked for from the middle of the stop bit on
            at += int((_BITS - 0.5) * self._bit)
        self._levels = self._levels[at:]

    def close(self) -> None:
        """Give back the simulation; a second call does nothing."""
        if self._board:
            self._library.board_close(self._board)
            self._board = ctypes.c_void_p()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@cache
def _load(library: Path) -> ctypes.CDLL:
    dll = ctypes.CDLL(str(library))
    dll.board_open.restype = ctypes.c_void_p
    dll.board_open.argtypes = ()
    for name in ("board_close", "board_run"):
        getattr(dll, name).restype = None
    return dll
