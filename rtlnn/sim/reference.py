"""The NumPy reference: the integer network, evaluated exactly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtlnn.extensions import load_extensions
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

    def outputs(self, *frames: Array) -> tuple[Array, ...]:
        """The core's outputs [N, H, W, C] for its inputs [N, H, W, C], int64, both in the core's order."""
        core = self.network.core
        made = core.evaluate(*frames)
        return tuple(made[v] for v in core.outputs)

    def run(self, *frames: Array) -> Array:
        """The only output of `outputs`."""
        (result,) = self.outputs(*frames)
        return result

    def values(self, frames: Array | Sequence[Array], names: Iterable[str]) -> dict[str, Array]:
        """Values inside the core (and its outputs) for its input frames [N, H, W, C]; a sequence of several inputs."""
        given = (frames,) if isinstance(frames, np.ndarray) else tuple(frames)
        return self.network.core.evaluate(*given, keep=names)

    def named(self, *x: Array) -> dict[str, Array]:
        """The model's own outputs by name, for its own inputs (N, ...), or for one frame, in the model's order.

        Raises `InputError` if a shape does not fit.
        """
        made = self.network.from_core(*self.outputs(*self.network.to_core(*x)))
        return {port.name: y for port, y in zip(self.network.outputs, made, strict=True)}

    def __call__(self, *x: Array) -> Array:
        """The only output of `named`. Raises `InputError` if there are several."""
        return self.named(*x)[self.network.output.name]


def load(build_dir: Path | str) -> Reference:
    """The reference of a build, from its network.npz. Raises `InputError` if there is none."""
    load_extensions()
    return Reference(load_network(Path(build_dir) / "network.npz"))
