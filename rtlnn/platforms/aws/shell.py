"""What a platform file says of an AWS F2 shell."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["AwsShell"]

_LEAST_KIB = 4


@dataclass(frozen=True)
class AwsShell:
    """The custom-logic region of an AWS F2 instance, with memory on the chip for frames and results.

    Parameters
    ----------
    input_kib, output_kib : sizes of the two memories, powers of two
    """

    kind: ClassVar[str] = "aws_f2"
    suffix: ClassVar[str] = "_aws"

    input_kib: int
    output_kib: int

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of it does not fit the rest of the platform."""
        for name in ("input_kib", "output_kib"):
            size = getattr(self, name)
            if size < _LEAST_KIB or size & (size - 1):
                yield Fault((name,), f"`{name}` must be a power of two, {_LEAST_KIB} at least, not {size}")

    def summary(self) -> str:
        return f"custom logic of an AWS F2 instance, {self.input_kib} KiB for frames, {self.output_kib} for results"
