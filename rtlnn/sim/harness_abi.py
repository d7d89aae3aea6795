"""The C interface of `stream_harness.cpp`, for ctypes."""

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_uint8, c_uint32, c_uint64, c_void_p
from enum import IntEnum
from functools import cache
from pathlib import Path

__all__ = ["CSink", "CSource", "CStalls", "CStream", "Status", "load"]


class Status(IntEnum):
    """What a call of the harness ends with."""

    RUNNING = 0
    DONE = 1
    DEADLOCK = 2
    FAILED = 3


class CStalls(ctypes.Structure):
    """`struct Stalls`"""

    _fields_ = (("probability", c_double), ("burst", c_double), ("mode", c_int32), ("stalled", c_int32))


class CSource(ctypes.Structure):
    """`struct Source`"""

    _fields_ = (
        ("words", POINTER(c_uint32)),
        ("last", POINTER(c_uint8)),
        ("beats", c_uint64),
        ("offered_cycle", POINTER(c_int64)),
        ("taken_cycle", POINTER(c_int64)),
        ("stalls", CStalls),
        ("done", c_uint64),
        *((name, c_uint64) for name in ("repeat", "pace_beats", "pace_cycles")),
        ("follows", c_int32),
    )


class CSink(ctypes.Structure):
    """`struct Sink`"""

    _fields_ = (
        ("words", POINTER(c_uint32)),
        ("beats", c_uint64),
        ("frame_beats", c_uint64),
        ("pixel_beats", c_uint64),
        ("masks", POINTER(c_uint32)),
        ("taken_cycle", POINTER(c_int64)),
        ("stalls", CStalls),
        ("done", c_uint64),
        *((name, c_uint64) for name in ("dropped", "changed", "last_missing", "last_extra", "excess")),
        *((f"first_{name}", c_int64) for name in ("dropped", "changed", "last_missing", "last_extra", "excess")),
    )


class CStream(ctypes.Structure):
    """`struct Stream`"""

    _fields_ = (
        ("sources", POINTER(CSource)),
        ("sinks", POINTER(CSink)),
        ("quiet_limit", c_uint64),
        ("drain", c_uint64),
        *((name, c_uint64) for name in ("cycle", "quiet", "drained")),
        ("error_cycle", c_int64),
    )


@cache
def load(library: Path) -> ctypes.CDLL:
    """The compiled harness, with its functions typed."""
    dll = ctypes.CDLL(str(library))
    dll.harness_open.restype = c_void_p
    dll.harness_open.argtypes = (c_char_p,)
    dll.harness_close.restype = None
    dll.harness_close.argtypes = (c_void_p,)
    dll.harness_message.restype = c_char_p
    dll.harness_message.argtypes = (c_void_p,)
    dll.harness_reset.restype = c_int
    dll.harness_reset.argtypes = (c_void_p, c_uint64, c_uint64)
    dll.harness_offer.restype = None
    dll.harness_offer.argtypes = (c_void_p, POINTER(c_uint64), c_uint64)
    dll.harness_load.restype = c_int
    dll.harness_load.argtypes = (c_void_p, POINTER(c_uint64), c_uint64, c_uint64)
    dll.harness_run.restype = c_int
    dll.harness_run.argtypes = (c_void_p, POINTER(CStream), c_uint64)
    return dll
