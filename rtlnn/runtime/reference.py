"""The reference as a back end: NumPy, in this process, without any tool."""

from collections.abc import Mapping

from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.runtime.backend import Backend
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.reference import Reference, load

__all__ = ["open_reference"]


class _ReferenceBackend:
    """What the hardware computes, bit for bit, from `network.npz`."""

    cycles: int | None = None

    def __init__(self, folder: BuildFolder, reference: Reference) -> None:
        self._interface, self._reference = folder.interface, reference

    def run(self, frames: Mapping[str, Array]) -> Mapping[str, Array]:
        made = self._reference.outputs(*(frames[bus] for bus in self._interface.inputs))
        ports = self._interface.outputs.items()
        return {bus: array.reshape(-1, *port.shape) for (bus, port), array in zip(ports, made, strict=True)}

    def reload(self, network: Network, files: Mapping[str, bytes]) -> None:
        self._reference = Reference(network)

    def close(self) -> None:
        """Nothing is held."""


def open_reference(folder: BuildFolder) -> Backend:
    """The back end of a build. Raises `InputError` if its `network.npz` cannot be read."""
    return _ReferenceBackend(folder, load(folder.path))
