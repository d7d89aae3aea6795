"""What a platform file says of a Vitis shell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["VitisShell"]


@dataclass(frozen=True)
class VitisShell:
    """An Alveo card's shell, which takes the design as a Vitis RTL kernel.

    Parameters
    ----------
    target : the vendor's name of the platform, for v++
    bank : the memory bank that frames are exchanged in
    """

    kind: ClassVar[str] = "vitis_rtl_kernel"
    suffix: ClassVar[str] = "_kernel"

    target: str
    bank: str

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        if self.bank not in [bank.name for bank in platform.memory]:
            yield Fault(("bank",), f"the shell uses {self.bank}, which `memory` does not list")

    def summary(self) -> str:
        return f"Vitis RTL kernel for {self.target}, frames in {self.bank}"
