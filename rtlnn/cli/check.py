"""Tell what becomes of every node of a model, and how large its layers are; nothing is built."""

from argparse import ArgumentParser, Namespace

from rtlnn.checking import check_model
from rtlnn.cli.check_tables import print_check
from rtlnn.cli.console import step_display
from rtlnn.cli.model_options import add_json, add_model_options, input_shapes
from rtlnn.errors import CheckFailed

EXAMPLES = """\
examples:
  rtlnn check model.onnx
  rtlnn check model.onnx --input-shape x=1,3,32,32
  rtlnn check model.onnx --json

exit codes: 0 all of it can be built, 1 something is refused, 2 bad input
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_model_options(parser)
    add_json(parser)


def run(options: Namespace) -> int:
    with step_display() as progress:
        progress("checking")
        check = check_model(options.model, options.calibration, input_shapes(options))
    if options.json:
        print(check.to_json(), end="")
    else:
        print_check(check)
    return 0 if check.buildable else CheckFailed.exit_code
