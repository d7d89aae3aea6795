"""What runs the core of a build: a board, a simulation, or the reference."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from rtlnn.ir.network import Network
from rtlnn.ir.types import Array

__all__ = ["Backend", "Noting", "Reloading"]


class Backend(Protocol):
    """Runs frames through the core of one build.

    `rtlnn.runtime.openers` has the function that opens each; its keywords are the options of the back end.
    """

    @property
    def cycles(self) -> int | None:
        """Clock cycles of the last run, from its first input beat to its last output beat; None if not known."""
        ...

    def run(self, frames: Mapping[str, Array]) -> Mapping[str, Array]:
        """The core's outputs for its inputs: integers [N, H, W, C] by the names of the buses in `Interface`.

        `frames` has an array for every input, int64 and within the input's range, each with the same N, at least 1.
        Raises `CheckFailed` if the hardware fails, `InputError` if it cannot be reached.
        """
        ...

    def close(self) -> None:
        """Give back what the back end holds; a second call does nothing."""
        ...


@runtime_checkable
class Noting(Protocol):
    """A back end that has something to tell."""

    @property
    def note(self) -> str:
        """What went wrong since it was opened, and was mended; empty if nothing did."""
        ...


@runtime_checkable
class Reloading(Protocol):
    """A back end whose hardware can get other weights."""

    def reload(self, network: Network, files: Mapping[str, bytes]) -> None:
        """From the next run on, compute `network`: other weights in the same hardware.

        `files` are those of loaded and of streamed weights, by their names in the build's `mem/`.
        """
        ...
