"""XRT's Python API (pyxrt), as far as the back end uses it, on a simulated card (see `rtlnn.sim.simulated_card`)."""

import ctypes
from collections.abc import Callable
from ctypes import c_char_p, c_int, c_int64, c_size_t, c_uint, c_uint64, c_void_p
from enum import Enum, IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "sim_error": (c_char_p,),
    "sim_device": (c_void_p, c_uint, c_char_p),
    "sim_cycles": (c_uint64, c_void_p),
    "sim_kernel": (c_void_p, c_void_p, c_char_p),
    "sim_group": (c_int, c_void_p, c_int),
    "sim_read": (c_int64, c_void_p, c_uint),
    "sim_bo": (c_void_p, c_void_p, c_size_t, c_uint),
    "sim_map": (c_void_p, c_void_p),
    "sim_sync": (c_int, c_void_p, c_int, c_size_t, c_size_t),
    "sim_run": (c_void_p, c_void_p),
    "sim_set_buffer": (c_int, c_void_p, c_int, c_void_p),
    "sim_set_number": (c_int, c_void_p, c_int, c_uint),
    "sim_start": (c_int, c_void_p),
    "sim_wait": (c_int, c_void_p),
    "sim_state": (c_int, c_void_p),
    **{f"sim_free_{what}": (None, c_void_p) for what in ("device", "kernel", "bo", "run")},
}


class CommandState(IntEnum):
    """Values of XRT's `ert_cmd_state`."""

    ERT_CMD_STATE_NEW = 1
    ERT_CMD_STATE_RUNNING = 3
    ERT_CMD_STATE_COMPLETED = 4
    ERT_CMD_STATE_TIMEOUT = 8


class Direction(IntEnum):
    """Values of XRT's `xclBOSyncDirection`."""

    XCL_BO_SYNC_BO_TO_DEVICE = 0
    XCL_BO_SYNC_BO_FROM_DEVICE = 1


class Flags(Enum):
    """Kinds of buffers."""

    normal = 0


class AccessMode(Enum):
    """Who may use a compute unit."""

    exclusive = 0
    shared = 1


def make(library: Path) -> ModuleType:
    """The module `pyxrt`; its `cycles()` tells how long the card opened last has run."""
    dll = ctypes.CDLL(str(library))
    for name, (result, *arguments) in _SIGNATURES.items():
        getattr(dll, name).restype, getattr(dll, name).argtypes = result, arguments

    def checked(result: Any) -> Any:
        if result in (None, -1):
            raise RuntimeError(dll.sim_error().decode())
        return result

    class Handle:
        """Something of the card's, given back with the last reference to it."""

        def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
            self.pointer, self.free = pointer, free

        def __del__(self) -> None:
            self.free(self.pointer)

    class Device:
        def __init__(self, index: int) -> None:
            self.index = index

        def load_xclbin(self, path: str) -> str:
            self.handle = Handle(checked(dll.sim_device(self.index, path.encode())), dll.sim_free_device)
            module.cycles = lambda: dll.sim_cycles(self.handle.pointer)  # type: ignore[attr-defined]
            return "uuid"

    class Kernel:
        cu_access_mode = AccessMode

        def __init__(self, device: Device, uuid: str, name: str, mode: AccessMode) -> None:
            assert (uuid, mode) == ("uuid", AccessMode.exclusive)
            self.handle = Handle(checked(dll.sim_kernel(device.handle.pointer, name.encode())), dll.sim_free_kernel)

        def group_id(self, argument: int) -> int:
            return int(dll.sim_group(self.handle.pointer, argument))

        def read_register(self, offset: int) -> int:
            return int(checked(dll.sim_read(self.handle.pointer, offset)))

    class Bo:
        flags = Flags

        def __init__(self, device: Device, size: int, flags: Flags, group: int) -> None:
            assert flags is Flags.normal
            self.size = size
            self.handle = Handle(checked(dll.sim_bo(device.handle.pointer, size, group)), dll.sim_free_bo)

        def write(self, data: Any, seek: int) -> None:
            raw = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
            assert seek + raw.size <= self.size
            ctypes.memmove(dll.sim_map(self.handle.pointer) + seek, raw.ctypes.data, raw.size)

        def read(self, size: int, skip: int) -> Any:
            assert skip + size <= self.size
            return np.frombuffer(ctypes.string_at(dll.sim_map(self.handle.pointer) + skip, size), np.int8)

        def sync(self, direction: Direction, size: int, offset: int) -> None:
            checked(dll.sim_sync(self.handle.pointer, int(direction), size, offset))

    class Run:
        def __init__(self, kernel: Kernel) -> None:
            self.handle = Handle(dll.sim_run(kernel.handle.pointer), dll.sim_free_run)

        def set_arg(self, index: int, value: Any) -> None:
            if isinstance(value, Bo):
                checked(dll.sim_set_buffer(self.handle.pointer, index, value.handle.pointer))
            else:
                checked(dll.sim_set_number(self.handle.pointer, index, value))

        def start(self) -> None:
            checked(dll.sim_start(self.handle.pointer))

        def wait(self, milliseconds: int) -> CommandState:
            assert milliseconds > 0
            return CommandState(checked(dll.sim_wait(self.handle.pointer)))

        def state(self) -> CommandState:
            return CommandState(dll.sim_state(self.handle.pointer))

    module = ModuleType("pyxrt")
    module.__dict__.update(
        device=Device, kernel=Kernel, bo=Bo, run=Run, ert_cmd_state=CommandState, xclBOSyncDirection=Direction
    )
    return module
