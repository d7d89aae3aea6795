"""What each kind of shell tells of itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Protocol

from rtlnn.records import Fault

if TYPE_CHECKING:
    from rtlnn.platforms.spec import Platform

__all__ = ["ShellSpec"]


class ShellSpec(Protocol):
    """A frozen dataclass for each kind of shell has its facts as fields, and these.

    `kind` is the shell's name in platform files. `suffix` follows the core's name in that of the shell's top module.
    """

    kind: ClassVar[str]
    suffix: ClassVar[str]

    def misfits(self, platform: "Platform") -> Iterator[Fault]:
        """What of the shell does not fit the rest of the platform, by the keys that lead there from `shell`."""
        ...

    def summary(self) -> str:
        """A line for the user."""
        ...
