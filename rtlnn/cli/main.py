"""Parses the command line, runs the command, and turns errors into a message and an exit code."""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import NoReturn

import rtlnn
from rtlnn.cli import build, check, compare, estimate, platforms, profile, quantize, run, simulate, synth
from rtlnn.errors import InputError, RtlnnError

__all__ = ["main", "parser"]

INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell reports for a program that SIGPIPE ended."""

COMMANDS = (build, check, estimate, simulate, run, compare, profile, quantize, synth, platforms)

EXAMPLES = """\
examples:
  rtlnn check model.onnx                                            # what will become of each node
  rtlnn build model.onnx --platform u200 --calibration data.npy     # a float model becomes Verilog
  rtlnn simulate build/model --level kernel                         # every bit and every cycle, checked
  rtlnn estimate model.onnx --calibration random --target-fps 50000 # what would it take?

exit codes: 0 done, 1 a check failed, 2 bad input
"""


class _Parser(ArgumentParser):
    """Reports a wrong command line as any other bad input: one message, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")


def parser() -> ArgumentParser:
    """The parser of the whole command line; each command sets `run`."""
    top = _Parser(
        prog="rtlnn",
        description="Turns a trained ONNX network into a verified, synthesizable hardware design.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"rtlnn {rtlnn.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        text = command.__doc__ or ""
        sub = commands.add_parser(
            command.__name__.rpartition(".")[2],
            help=text.splitlines()[0].removesuffix("."),
            description=text.splitlines()[0],
            epilog=command.EXAMPLES,
            formatter_class=RawDescriptionHelpFormatter,
        )
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: the program's own). Returns the exit code."""
    try:
        options = parser().parse_args(arguments)
        code: int = options.run(options)
        sys.stdout.flush()
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # the reader has left; what is still buffered must not raise again when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return InputError.exit_code
    return code
