"""Input frames with the results that the hardware must give: what a board is tried with first."""

from pathlib import Path

import numpy as np

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.ir.types import Array
from rtlnn.ops.serialize import load_network

__all__ = ["vectors"]

_SEED = 1


def vectors(interface: Interface, build_dir: Path, frames: int) -> tuple[Array, Array]:
    """`frames` random frames over the whole range of the only input, and the only output's; both [N, H, W, C], int64.

    The build's `network.npz` must be there. The same network gives the same frames.
    """
    core = load_network(build_dir / "network.npz").core
    low, high = _bounds(interface.input)
    rng = np.random.default_rng(_SEED)
    x = rng.integers(low, high, (frames, *interface.input.shape), endpoint=True, dtype=np.int64)
    (name,) = core.outputs
    return x, core.evaluate(x)[name].reshape(frames, *interface.output.shape)


def _bounds(port: StreamPort) -> tuple[int, int]:
    low = -(1 << port.bits - 1) if port.signed else 0
    return low, low + (1 << port.bits) - 1
