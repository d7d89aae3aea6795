"""What a platform file says of a Zynq shell."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["Processor", "ZynqShell"]


class Processor(Enum):
    """The processor system beside the programmable logic."""

    ZYNQ_7000 = "zynq_7000"
    ZYNQ_MPSOC = "zynq_mpsoc"

    @property
    def dma_bits(self) -> int:
        """Width of a high-performance port to the memory, which is that of the DMA engine's streams."""
        return 64 if self is Processor.ZYNQ_7000 else 128

    @property
    def address_bits(self) -> int:
        """Bits of a memory address."""
        return 32 if self is Processor.ZYNQ_7000 else 40

    @property
    def registers(self) -> int:
        """Where the programmable logic's registers begin in the processor's address space."""
        return 0x4040_0000 if self is Processor.ZYNQ_7000 else 0xA000_0000


@dataclass(frozen=True)
class ZynqShell:
    """A Zynq's processor system, which feeds the design by AXI DMA.

    Parameters
    ----------
    processor : which one it is
    board : the vendor's name of the board, without its version: where Vivado finds the presets of the processor system
    """

    kind: ClassVar[str] = "zynq_dma"
    suffix: ClassVar[str] = "_zynq"

    processor: Processor
    board: str

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        if self.board.count(":") != 2:
            yield Fault(("board",), f"`board` must be of the form vendor:name:part0, not {self.board!r}")

    def summary(self) -> str:
        return f"AXI DMA of {self.processor.dma_bits} bits beside the processor system, board {self.board}"
