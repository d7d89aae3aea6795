"""Show the range of every weight and activation against its format, as table and picture."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rtlnn.cli.console import print_lines, step_display
from rtlnn.cli.model_options import (
    add_json,
    add_model_options,
    add_quantization_options,
    add_requantize,
    input_shapes,
    quantization,
)
from rtlnn.cli.profile_table import print_profile
from rtlnn.ops import Precision
from rtlnn.profiling import profile
from rtlnn.profiling.plot import draw

EXAMPLES = """\
examples:
  rtlnn profile model.onnx data.npy
  rtlnn profile model.onnx data.npy --precision layers.yaml --plot profile.svg
  rtlnn profile model_int8.onnx data.npy --json
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_model_options(parser)
    parser.add_argument("inputs", type=Path, metavar="INPUTS", help="a .npy file: frames of the model's own input")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw into this file: .svg, .png or .pdf")
    add_quantization_options(parser)
    add_requantize(parser)
    add_json(parser)


def run(options: Namespace) -> int:
    with step_display() as progress:
        progress("profiling")
        result = profile(
            options.model,
            options.inputs,
            options.calibration,
            input_shapes(options),
            Precision(options.requantize),
            quantization(options),
        )
        if options.plot:
            draw(result, options.plot)
    if options.json:
        print(result.to_json(), end="")
        return 0
    print_profile(result)
    if options.plot:
        print_lines(f"drawn into {options.plot}")
    return 0
