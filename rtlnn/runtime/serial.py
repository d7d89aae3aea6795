"""A board behind a serial line as a back end."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rtlnn.emit.interface import Interface
from rtlnn.errors import CheckFailed, InputError
from rtlnn.ir.types import Array
from rtlnn.platforms.uart.client import Client, Counts, Line, LinkError
from rtlnn.platforms.uart.facts import LinkFacts
from rtlnn.runtime.backend import Backend
from rtlnn.sim.build_folder import BuildFolder

__all__ = ["SerialBackend", "open_serial"]

_TIMEOUT = 0.2
"""Seconds without a byte after which the host asks."""


class SerialBackend:
    """Frames over the line; what was lost or damaged is sent again.

    Raises `InputError` if the board has another build's bitstream, or does not answer.

    Parameters
    ----------
    folder : the build
    line : the serial port, which the back end closes
    """

    cycles: int | None = None

    def __init__(self, folder: BuildFolder, line: Any) -> None:
        self._interface, self._line = folder.interface, line
        self._client = Client(line)
        try:
            self._client.reset()
            hello = self._client.hello()
            wanted = bytes.fromhex(LinkFacts.load(folder.path).build)
            if hello.build != wanted:
                raise InputError(
                    f"the board runs another design (build {hello.build.hex()}, frames of {hello.input_bytes:,} bytes) "
                    f"than {folder.path} (build {wanted.hex()}); load its bitstream, or give the build that it runs"
                )
        except BaseException as error:
            self.close()
            if isinstance(error, LinkError):
                raise InputError(str(error)) from None
            raise

    @property
    def note(self) -> str:
        return f"the line was disturbed: {self.counts}; the results are right" if self.counts.disturbed else ""

    @property
    def counts(self) -> Counts:
        """What went wrong on the line and was mended."""
        return self._client.counts

    def run(self, frames: Mapping[str, Array]) -> Mapping[str, Array]:
        interface: Interface = self._interface
        ((bus, given),) = frames.items()
        (out,) = interface.outputs
        taken, made = interface.inputs[bus], interface.outputs[out]
        try:
            data = given.astype(f"<{taken.dtype}").tobytes()
            results = self._client.exchange(data, len(given) * made.frame_bytes)
            if self._client.status().frame_error:
                raise CheckFailed("the board's core met a frame of a wrong length")
        except LinkError as error:
            raise CheckFailed(str(error)) from None
        return {out: np.frombuffer(results, f"<{made.dtype}").reshape(-1, *made.shape).astype(np.int64)}

    def close(self) -> None:
        """Close the port; a second call does nothing."""
        self._line.close()


def open_serial(folder: BuildFolder, port: str, baud: int | None = None) -> Backend:
    """The back end of a build for a board with a serial link.

    Parameters
    ----------
    port : name of the serial port, such as /dev/ttyUSB0 or COM3
    baud : bits a second; default: the build's

    Raises `InputError` if the build is not for such a board, pyserial is not installed, the port cannot be opened
    (naming those that there are), the board does not answer, or it runs another build.
    """
    facts = LinkFacts.load(folder.path)
    try:
        import serial
        from serial.tools.list_ports import comports
    except ImportError:
        raise InputError("a serial port needs pyserial; install with: pip install 'rtlnn[serial]'") from None
    try:
        line: Line = serial.Serial(port, baud or facts.baud, timeout=_TIMEOUT)
    except (serial.SerialException, ValueError) as error:
        ports = ", ".join(f"{p.device} ({p.description})" for p in comports()) or "none"
        raise InputError(f"the serial port {port} cannot be opened: {error}. There are: {ports}") from None
    return SerialBackend(folder, line)
