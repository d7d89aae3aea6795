"""What a platform file says of a shell with a serial link."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["UartShell"]


@dataclass(frozen=True)
class UartShell:
    """A serial link to the host."""

    kind: ClassVar[str] = "uart"
    suffix: ClassVar[str] = "_uart"

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        yield from ()

    def summary(self) -> str:
        return "serial link"
