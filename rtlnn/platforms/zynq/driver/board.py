"""Takes a design on the board that this runs on, with PYNQ."""

from pathlib import Path

import numpy as np

from .accelerator import Accelerator
from .design import Buffer, Design, DriverError, Registers

__all__ = ["load"]


def load(
    design: Design,
    bitstream: Path | str,
    weights: bytes | None = None,
    *,
    timeout: float = 10.0,
    frames: int | None = None,
) -> Accelerator:
    """Configure this board with `bitstream` (its .hwh beside it), and take it. Runs on the board, as root.

    Raises `DriverError` without PYNQ, or if the bitstream is another one's.
    """
    try:
        import pynq
    except ImportError as error:
        raise DriverError(f"PYNQ is not here ({error}): this runs on the board, in the PYNQ environment") from None
    overlay = pynq.Overlay(str(bitstream))

    def registers(name: str) -> Registers:
        part = overlay.ip_dict.get(name)
        if part is None:
            raise DriverError(f"the bitstream {bitstream} has no part `{name}`: it is not one of this build")
        mapped: Registers = pynq.MMIO(part["phys_addr"], part["addr_range"])
        return mapped

    def allocate(size: int) -> Buffer:
        buffer: Buffer = pynq.allocate(shape=(size,), dtype=np.uint8)
        return buffer

    return Accelerator(
        design,
        registers("core"),
        registers("dma"),
        allocate,
        weights_dma=None if design.weight_bytes is None else registers("weights_dma"),
        weights=weights,
        timeout=timeout,
        frames=frames,
    )
