"""The NumPy reference: the integer network, evaluated exactly."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.ops.serialize import load_network

__all__ = ["Reference", "load"]


@dataclass(frozen=True, eq=False)
class Reference:
    """What the hardware computes, bit for bit.

    Call it with the model's own input to get the model's own output; `run` is the hardware alone.
    """

    network: Network

    def run(self, frames: Array) -> Array:
        """The core's output frames [N, H, W, C] for input frames [N, H, W, C]; int64."""
        core = self.network.core
        return core.evaluate(frames)[core.outputs[0]]

    def values(self, frames: Array, names: Iterable[str]) -> dict[str, Array]:
        """Values inside the core (and its output) for input frames [N, H, W, C]."""
        return self.network.core.evaluate(frames, keep=names)

    def __call__(self, x: Array) -> Array:
        """The model's own output for its own input (N, ...), or for one frame.

        Raises `InputError` if the shape does not fit.
        """
        return self.network.from_core(self.run(self.network.to_core(x)))


def load(build_dir: Path | str) -> Reference:
    """The reference of a build, from its network.npz. Raises `InputError` if there is none."""
    return Reference(load_network(Path(build_dir) / "network.npz"))
