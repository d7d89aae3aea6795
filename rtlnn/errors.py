"""The errors a user can meet. The command line prints their text alone and ends with their exit code."""

from typing import ClassVar

__all__ = ["CheckFailed", "InputError", "RtlnnError"]


class RtlnnError(Exception):
    """Base of all errors that are the user's to know: the message says what is wrong, where, and what to do."""

    exit_code: ClassVar[int] = 2


class InputError(RtlnnError):
    """A model, data, plan, platform or option cannot be used (exit code 2)."""


class CheckFailed(RtlnnError):
    """Everything ran, and a check did not hold: a wrong bit, a missed schedule (exit code 1)."""

    exit_code: ClassVar[int] = 1
