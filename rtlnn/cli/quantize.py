"""Quantize a float model; the result is a standard QDQ model that onnxruntime runs too."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

import onnx

from rtlnn.cli.console import print_lines, step_display
from rtlnn.cli.model_options import add_accuracy_options, add_model_options, add_quantization_options, input_shapes
from rtlnn.errors import InputError
from rtlnn.mixed_precision import Choice, choose_bits
from rtlnn.passes.settings import Settings
from rtlnn.precision import read_precision
from rtlnn.quantization import Calibration, CalibrationMethod, quantize_model

EXAMPLES = """\
examples:
  rtlnn quantize model.onnx --calibration data.npy                    # writes model_int8.onnx
  rtlnn quantize model.onnx --calibration data.npy -o out/small.onnx
  rtlnn quantize model.onnx --calibration data.npy --bits 6           # narrower weights and activations
  rtlnn quantize model.onnx --calibration data.npy --precision layers.yaml --calibration-method mse
  rtlnn quantize model.onnx --calibration data.npy --labels labels.npy --accuracy-drop 0.5 --save-precision layers.yaml
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_model_options(parser)
    parser.add_argument(
        "--bits",
        type=int,
        metavar="N",
        help="of weights and activations, 1 to 16 (default: 8); the input has 8",
    )
    add_quantization_options(parser)
    add_accuracy_options(parser)
    parser.add_argument(
        "--save-precision", type=Path, metavar="FILE", help="write the bits that --accuracy-drop chose, for --precision"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file to write (default: MODEL_int8.onnx, beside the model)"
    )


def run(options: Namespace) -> int:
    model = Path(options.model)
    output = options.output or model.with_name(f"{model.stem}_int8.onnx")
    if output.is_dir():
        raise InputError(f"the output {output} is a folder; give a file")
    if options.calibration is None:
        raise InputError("quantizing needs typical inputs: give --calibration data.npy")
    method = CalibrationMethod(options.calibration_method)
    settings: Settings | None = read_precision(options.precision) if options.precision else None
    with step_display() as progress:
        chosen = _chosen(options, method, progress)
        if chosen is not None:
            settings = chosen.settings
        progress("quantizing")
        quantized = quantize_model(model, options.calibration, input_shapes(options), options.bits, settings, method)
    if chosen is not None:
        print_lines(chosen.note)
        if options.save_precision:
            options.save_precision.write_text(chosen.to_yaml())
    output.parent.mkdir(parents=True, exist_ok=True)
    _save(quantized, output)
    if settings is not None and settings.sets_requantization:
        print_lines("requantize and rounding are not in the file: give --precision to rtlnn build, too")
    print_lines(f"written to {output}; next: rtlnn build {output}")
    return 0


def _chosen(options: Namespace, method: CalibrationMethod, progress: Callable[[str], None]) -> Choice | None:
    """The bits that an accuracy chooses, if it shall."""
    if options.accuracy_drop is None:
        if options.labels or options.save_precision:
            raise InputError("--labels and --save-precision are for --accuracy-drop")
        return None
    if options.precision or options.bits:
        raise InputError("give --accuracy-drop, --precision or --bits, not several of them")
    if options.labels is None or isinstance(options.calibration, Calibration):
        raise InputError("--accuracy-drop needs labelled data: give --calibration data.npy and --labels labels.npy")
    return choose_bits(
        options.model,
        options.calibration,
        options.labels,
        options.accuracy_drop,
        input_shapes(options),
        method,
        progress,
    )


def _save(model: onnx.ModelProto, output: Path) -> None:
    """Write the file whole or not at all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial")
    try:
        partial.write_bytes(model.SerializeToString(deterministic=True))
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
