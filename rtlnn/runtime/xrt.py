"""Alveo cards as a back end: XRT's Python API (pyxrt), with every compute unit busy all the time.

Each unit has two slots (buffers and a run): while it computes one batch, the next one's start waits in its registers,
and the results of the one before are fetched. Batches go to whatever slot is free, results where their batch belongs.
It does what the generated host program in C++ does, from one thread: pyxrt may hold Python's lock while it waits.
"""

import importlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.weights import WEIGHTS_FILE, read_bytes
from rtlnn.errors import CheckFailed, InputError
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.platforms.alveo.axi import WORD_BYTES
from rtlnn.platforms.alveo.control import VERSION, Register, StatusBit
from rtlnn.platforms.identity import MAGIC, design_id
from rtlnn.runtime.backend import Backend
from rtlnn.sim.build_folder import BuildFolder

__all__ = ["open_xrt"]

INPUT, OUTPUT, FRAMES, STORES = range(4)
"""The kernel's arguments, in their order; the last one is the first of those of weights."""
SLOTS = 2
TIMEOUT_MS = 30_000
SLOT_BYTES = 4 << 20
MOST_FRAMES = 1024

_MEANINGS = {
    StatusBit.FRAME_ERROR: "a frame was too short or too long",
    StatusBit.READ_ERROR: "a read was answered with an error",
    StatusBit.WRITE_ERROR: "a write was answered with an error",
    StatusBit.ADDRESS_ERROR: "an address was no multiple of 64",
    StatusBit.BATCH_ERROR: "the frames of a run were no whole batches",
}


@dataclass(eq=False)
class _Slot:
    """Buffers and a run of a unit; `first` and `frames` are those of the batch that is under way."""

    unit: "_Unit"
    input: Any
    output: Any
    run: Any
    first: int = 0
    frames: int = 0


@dataclass(eq=False)
class _Unit:
    name: str
    kernel: Any
    slots: list[_Slot] = field(default_factory=list)
    stores: dict[str, Any] = field(default_factory=dict)
    retired: list[Any] = field(default_factory=list)


def _stride(port: StreamPort) -> int:
    """Bytes from one frame to the next."""
    return -(-port.frame_bytes // WORD_BYTES) * WORD_BYTES


class _XrtBackend:
    cycles: int | None = None

    def __init__(self, xrt: Any, folder: BuildFolder, xclbin: Path, device: int, units: int, most: int) -> None:
        self._xrt, self._interface = xrt, folder.interface
        self._strides = _stride(folder.interface.input), _stride(folder.interface.output)
        most = most or int(np.clip(SLOT_BYTES // max(self._strides), 1, MOST_FRAMES))
        self._batch = folder.interface.batch
        self._most = -(-most // self._batch) * self._batch
        self._device: Any = xrt.device(device)
        uuid = self._device.load_xclbin(str(xclbin))
        self._design = design_id(folder.path)
        # in the order of the kernel's arguments
        names = [] if folder.interface.weight_beats is None else [WEIGHTS_FILE]
        self._stores = [*names, *(port.file for port in folder.interface.weights.values())]
        self._units = [self._open(uuid, unit.name) for unit in folder.interface.units[:units]]
        self._fill({name: read_bytes(folder.mem_dir / name) for name in self._stores})

    def _open(self, uuid: Any, name: str) -> _Unit:
        xrt = self._xrt
        kernel = xrt.kernel(
            self._device, uuid, f"{self._interface.kernel}:{{{name}}}", xrt.kernel.cu_access_mode.exclusive
        )
        unit = _Unit(name, kernel)
        self._check_design(unit)
        for _ in range(SLOTS):
            sizes = [stride * self._most for stride in self._strides]
            slot = _Slot(
                unit, self._buffer(kernel, sizes[0], INPUT), self._buffer(kernel, sizes[1], OUTPUT), xrt.run(kernel)
            )
            slot.run.set_arg(INPUT, slot.input)
            slot.run.set_arg(OUTPUT, slot.output)
            unit.slots.append(slot)
        return unit

    def _fill(self, files: Mapping[str, bytes]) -> None:
        """Put weights into buffers of their own: what was loaded is read again where the address is another one."""
        for unit in self._units:
            for name, contents in files.items():
                argument = STORES + self._stores.index(name)
                padded = np.frombuffer(contents + bytes(-len(contents) % WORD_BYTES), np.uint8)
                # the kernel reads again what has another address than at its last start, which may not be taken again
                unit.retired += [unit.stores[name]] if name in unit.stores else []
                buffer = self._buffer(unit.kernel, len(padded), argument)
                self._send(buffer, padded)
                for slot in unit.slots:
                    slot.run.set_arg(argument, buffer)
                unit.stores[name] = buffer

    def reload(self, network: Network, files: Mapping[str, bytes]) -> None:
        self._fill(files)

    def _buffer(self, kernel: Any, size: int, argument: int) -> Any:
        return self._xrt.bo(self._device, size, self._xrt.bo.flags.normal, kernel.group_id(argument))

    def _send(self, buffer: Any, data: Array) -> None:
        buffer.write(data, 0)
        buffer.sync(self._xrt.xclBOSyncDirection.XCL_BO_SYNC_BO_TO_DEVICE, data.nbytes, 0)

    def run(self, frames: Mapping[str, Array]) -> Mapping[str, Array]:
        (given,) = frames.values()
        (bus,) = self._interface.outputs
        port = self._interface.output
        results = np.empty((len(given), port.frame_elements), np.int64)
        slots = [unit.slots[number] for number in range(SLOTS) for unit in self._units]
        share = -(-len(given) // len(slots))  # few frames are shared out, too
        size = min(self._most, -(-share // self._batch) * self._batch)
        try:
            for first in range(0, len(given), size):
                slot = next((s for s in slots if not s.frames), None) or self._finish(slots, results)
                self._start(slot, given[first : first + size], first)
            while any(slot.frames for slot in slots):
                self._finish(slots, results)
        finally:
            for slot in slots:  # after a failure nothing is waited for again
                slot.frames = 0
        return {bus: results.reshape(-1, *port.shape)}

    def _start(self, slot: _Slot, given: Array, first: int) -> None:
        port, stride = self._interface.input, self._strides[0]
        memory = np.zeros((len(given), stride), np.uint8)
        rows = np.ascontiguousarray(given.reshape(len(given), -1).astype(f"<{port.dtype}"))
        memory[:, : port.frame_bytes] = rows.view(np.uint8)
        self._send(slot.input, memory.reshape(-1))
        slot.run.set_arg(FRAMES, len(given))
        self._check_status(slot.unit)  # a start that finds the kernel idle clears it
        slot.run.start()
        slot.first, slot.frames = first, len(given)

    def _finish(self, slots: list[_Slot], results: Array) -> _Slot:
        """Fetch what is done, or else wait for what began first; the slot is free then."""
        done = self._xrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED
        oldest = min(_busy(slots), key=lambda s: s.first)
        slot = next((s for s in _busy(slots) if s.run.state() == done), oldest)
        state = slot.run.wait(TIMEOUT_MS)
        if state != done:
            told = _told(self._status(slot.unit))
            raise CheckFailed(f"{slot.unit.name} did not finish a run (state {state}); {told}")
        self._check_status(slot.unit)
        slot.unit.retired.clear()
        port, stride = self._interface.output, self._strides[1]
        size = slot.frames * stride
        slot.output.sync(self._xrt.xclBOSyncDirection.XCL_BO_SYNC_BO_FROM_DEVICE, size, 0)
        memory = np.frombuffer(slot.output.read(size, 0), np.uint8).reshape(slot.frames, stride)
        rows = np.ascontiguousarray(memory[:, : port.frame_bytes]).view(f"<{port.dtype}")
        results[slot.first : slot.first + slot.frames] = rows
        slot.frames = 0
        return slot

    def _check_design(self, unit: _Unit) -> None:
        """Raise `InputError` if the bitstream is not that of the build."""
        if (magic := self._read(unit, Register.MAGIC)) is None:
            return
        wrong = None
        low, high = (self._read(unit, half) or 0 for half in (Register.DESIGN_LOW, Register.DESIGN_HIGH))
        if magic != MAGIC:
            wrong = "does not say which design it is"
        elif (version := self._read(unit, Register.VERSION)) != VERSION:
            wrong = f"has registers of version {version}, and this program knows {VERSION}"
        elif (design := high << 32 | low) != self._design:
            wrong = f"is design {design:016x}, not {self._design:016x}"
        if wrong:
            raise InputError(f"wrong bitstream: {unit.name} {wrong}; make it again from this build")

    def _check_status(self, unit: _Unit) -> None:
        """Raise `CheckFailed` for what the kernel has seen."""
        status = self._status(unit)
        if status:
            raise CheckFailed(f"{unit.name}: {_told(status)}")

    def _status(self, unit: _Unit) -> StatusBit:
        return StatusBit(self._read(unit, Register.STATUS) or 0)

    def _read(self, unit: _Unit, register: Register) -> int | None:
        """A register of a unit; pyxrt of some versions cannot read them."""
        if not hasattr(unit.kernel, "read_register"):
            text = "this pyxrt cannot read registers: a wrong bitstream, and errors on the card's buses, go unseen"
            warnings.warn(text, stacklevel=2)
            return None
        return int(unit.kernel.read_register(int(register)))

    def close(self) -> None:
        """Give back buffers, kernels and the card."""
        self._units.clear()
        self._device = None


def _busy(slots: list[_Slot]) -> Iterator[_Slot]:
    return (slot for slot in slots if slot.frames)


def _told(status: StatusBit) -> str:
    return "; ".join(text for bit, text in _MEANINGS.items() if status & bit) or "its status tells of no error"


def open_xrt(
    folder: BuildFolder, bitstream: Path | str | None = None, device: int = 0, units: int = 0, run_frames: int = 0
) -> Backend:
    """The back end of a build on a card.

    Parameters
    ----------
    bitstream : the xclbin that v++ made of the build (default: where the build's Makefile puts it)
    device : which card
    units : use so many compute units (default: all)
    run_frames : frames of a run at most (default: as many as 4 MiB hold, up to 1024)

    Raises `InputError` if pyxrt, the file, the card or a compute unit is missing, or the bitstream is not the build's.
    """
    interface: Interface = folder.interface
    if not interface.units:
        raise InputError(f"{folder.path} was not built for a card with XRT; choose a platform such as u200")
    if run_frames < 0:
        raise InputError(f"a run of {run_frames} frames cannot be made; give at least 1")
    if not 0 <= units <= len(interface.units):
        raise InputError(f"{folder.path} has {len(interface.units)} compute units, not {units}")
    xclbin = folder.path / "kernel" / f"{interface.top}.hw.xclbin" if bitstream is None else Path(bitstream)
    if not xclbin.is_file():
        raise InputError(f"{xclbin} is no file; `make` in {folder.path}/kernel writes it, with the vendor's tools")
    try:
        xrt = importlib.import_module("pyxrt")
    except ImportError as error:
        raise InputError(f"pyxrt cannot be imported ({error}); install XRT, and `source` its setup.sh") from None
    try:
        return _XrtBackend(xrt, folder, xclbin, device, units or len(interface.units), run_frames)
    except RuntimeError as error:
        raise InputError(f"the card cannot be used: {error}") from None
