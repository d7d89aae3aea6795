"""What a platform file says of a Zynq shell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["ZynqShell"]


@dataclass(frozen=True)
class ZynqShell:
    """A Zynq's processor system, which feeds the design by AXI DMA."""

    kind: ClassVar[str] = "zynq_dma"
    suffix: ClassVar[str] = "_zynq"

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        yield from ()

    def summary(self) -> str:
        return "AXI DMA beside the processor system"
