"""Input frames with the results that the hardware must give: what a board is tried with first."""

from pathlib import Path

import numpy as np

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.ir.types import Array
from rtlnn.ops.serialize import load_network

__all__ = ["self_test_vectors", "vectors"]

_SEED = 1
_FEW, _ELEMENTS = 4, 20_000
"""So many frames; those of more elements come alone."""


def self_test_vectors(interface: Interface, build_dir: Path) -> tuple[Array, Array]:
    """The frames that host programs bring along; see `vectors`."""
    few = interface.input.frame_elements + interface.output.frame_elements <= _ELEMENTS
    return vectors(interface, build_dir, _FEW if few else 1)


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
