"""Where a Zynq's processor finds a design, and how frames lie in its memory."""

from dataclasses import dataclass

from rtlnn.emit.interface import Interface
from rtlnn.platforms.zynq.shell import Processor
from rtlnn.platforms.zynq.streams import stride

__all__ = ["REGISTERS_BYTES", "Layout"]

REGISTERS_BYTES = 0x1_0000
"""Of the processor's address space, for the registers of each part."""
_LENGTH_BITS = 26
"""Of a transfer's length: the most that an AXI DMA engine can have."""


@dataclass(frozen=True)
class Layout:
    """What scripts and drivers of one design agree on.

    Parameters
    ----------
    design : the number of the design
    word_bytes : bytes a beat of the DMA engine's streams
    input_stride, output_stride : bytes from one frame to the next in memory
    dma_base, core_base, weights_base : addresses of the registers: of the DMA engine, of the shell, and of the
        engine for weights (None where there is none)
    length_bits : of a transfer's length in bytes
    """

    design: int
    word_bytes: int
    input_stride: int
    output_stride: int
    dma_base: int
    core_base: int
    weights_base: int | None
    length_bits: int = _LENGTH_BITS

    @classmethod
    def of(cls, interface: Interface, processor: Processor, design: int) -> "Layout":
        word, base = processor.dma_bits // 8, processor.registers
        source, sink = (stride(port.frame_bytes, word) for port in (interface.input, interface.output))
        weights = None if interface.weight_beats is None else base + 2 * REGISTERS_BYTES
        return cls(design, word, source, sink, base, base + REGISTERS_BYTES, weights)

    @property
    def most_frames(self) -> int:
        """Frames of one transfer."""
        return ((1 << self.length_bits) - 1) // max(self.input_stride, self.output_stride)
