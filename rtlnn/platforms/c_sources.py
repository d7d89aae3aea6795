"""What host programs in C are filled with: a port's numbers, and frames with their results."""

from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.ir.types import Array
from rtlnn.platforms.vectors import self_test_vectors

__all__ = ["port_values", "vectors_header"]


def vectors_header(interface: Interface, build_dir: Path) -> str:
    """A header with a few frames and their results; the build's `network.npz` must be there."""
    given, wanted = self_test_vectors(interface, build_dir)
    text = files("rtlnn.platforms").joinpath("templates", "vectors.h.in").read_text(encoding="utf-8")
    values: dict[str, object] = {"top": interface.top, "macro": interface.top.upper(), "vectors": len(given)}
    return Template(text).substitute(values, given=_rows(given), wanted=_rows(wanted))


def port_values(side: str, port: StreamPort, stride: int) -> dict[str, object]:
    """What templates in C say of a port: names begin with `side`; `stride` is the distance of frames in bytes."""
    low = -(1 << port.bits - 1) if port.signed else 0
    return {
        f"{side}_elements": port.frame_elements,
        f"{side}_shape": " x ".join(map(str, port.shape)),
        f"{side}_dims": ", ".join(map(str, port.shape)),
        f"{side}_stride": stride,
        # as C reads it: with a point
        f"{side}_scale": repr(float(np.float32(port.scale))) if port.scale < 1 else f"{port.scale:.9e}",
        f"{side}_zero": port.zero_point,
        f"{side}_low": low,
        f"{side}_high": low + (1 << port.bits) - 1,
        f"{side}_type": f"{'' if port.signed else 'u'}int{port.element_bits}_t",
    }


def _rows(frames: Array) -> str:
    """Values as the lines of an array in C."""
    values = [str(value) for value in frames.reshape(-1)]
    return ",\n".join("    " + ", ".join(values[n : n + 16]) for n in range(0, len(values), 16))
