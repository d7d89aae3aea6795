"""What a platform file says of an AWS F2 shell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["AwsShell"]


@dataclass(frozen=True)
class AwsShell:
    """The custom-logic region of an AWS F2 instance."""

    kind: ClassVar[str] = "aws_f2"
    suffix: ClassVar[str] = "_aws"

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        yield from ()

    def summary(self) -> str:
        return "custom logic of an AWS F2 instance"
