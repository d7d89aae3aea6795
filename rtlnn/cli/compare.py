"""Compare every layer with onnxruntime, fed onnxruntime's own tensors, and the network end to end."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rtlnn.cli.compare_table import print_comparison
from rtlnn.cli.console import step_display
from rtlnn.cli.model_options import (
    add_json,
    add_model_options,
    add_quantization_options,
    add_requantize,
    input_shapes,
    quantization,
)
from rtlnn.comparing import compare
from rtlnn.errors import CheckFailed
from rtlnn.ops import Precision

EXAMPLES = """\
examples:
  rtlnn compare model_int8.onnx inputs.npy
  rtlnn compare model_int8.onnx inputs.npy --requantize fast --frames 100
  rtlnn compare model.onnx inputs.npy --calibration data.npy --json   # the quantized form of a float model

exit codes: 0 no value differs, 1 some do, 2 bad input
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_model_options(parser)
    parser.add_argument("inputs", type=Path, metavar="INPUTS", help="a .npy file: frames of the model's own input")
    parser.add_argument("--frames", type=int, metavar="N", help="compare the first N frames alone")
    add_quantization_options(parser)
    add_requantize(parser)
    add_json(parser)


def run(options: Namespace) -> int:
    with step_display() as progress:
        progress("comparing")
        result = compare(
            options.model,
            options.inputs,
            options.calibration,
            input_shapes(options),
            Precision(options.requantize),
            options.frames,
            quantization(options),
        )
    if options.json:
        print(result.to_json(), end="")
    else:
        print_comparison(result)
    return 0 if result.equal else CheckFailed.exit_code
