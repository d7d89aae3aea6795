"""The command line: one file for each command."""

from rtlnn.cli.main import main

__all__ = ["main"]
