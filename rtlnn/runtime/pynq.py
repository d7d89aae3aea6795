"""A Zynq board as a back end: the program runs on the board itself, in the PYNQ environment."""

from collections.abc import Mapping
from pathlib import Path

from rtlnn.emit.interface import Interface
from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.errors import CheckFailed, InputError
from rtlnn.ir.types import Array
from rtlnn.platforms.zynq.driver import Accelerator, Design, DriverError, load
from rtlnn.runtime.backend import Backend
from rtlnn.sim.build_folder import BuildFolder

__all__ = ["open_pynq"]


class _PynqBackend:
    """Frames go through the DMA engine in transfers of as many as its buffers hold."""

    cycles: int | None = None

    def __init__(self, interface: Interface, accelerator: Accelerator) -> None:
        self._interface, self._accelerator = interface, accelerator

    def run(self, frames: Mapping[str, Array]) -> Mapping[str, Array]:
        (source,), (sink,) = self._interface.inputs, self._interface.outputs
        try:
            return {sink: self._accelerator.run(frames[source])}
        except DriverError as error:
            raise CheckFailed(f"the board failed: {error}") from None

    def close(self) -> None:
        self._accelerator.close()


def open_pynq(folder: BuildFolder, bitstream: Path | str, timeout: float = 10.0, frames: int | None = None) -> Backend:
    """Configure the board that this runs on with `bitstream` (its .hwh beside it), made from the build by Vivado.

    `timeout` is in seconds, for a transfer; `frames` the most of one transfer (default: 1 MiB of them).
    Raises `InputError` if the build is for another kind of platform, there is no PYNQ, or the bitstream is another's.
    """
    described = folder.path / "host" / "design.json"
    if not described.is_file():
        raise InputError(
            f"{folder.path} has no {described.name}: it was not built for a board with PYNQ, such as pynq-z2"
        )
    if not Path(bitstream).is_file():
        raise InputError(
            f"there is no bitstream {bitstream}; make it with Vivado, by {folder.path / 'kernel/build.tcl'}"
        )
    design = Design.load(described)
    weights = None if design.weight_bytes is None else (folder.mem_dir / WEIGHTS_FILE).read_bytes()
    try:
        accelerator = load(design, bitstream, weights, timeout=timeout, frames=frames)
    except DriverError as error:
        raise InputError(f"the board cannot be used: {error}") from None
    return _PynqBackend(folder.interface, accelerator)
