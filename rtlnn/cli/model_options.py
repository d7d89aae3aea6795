"""The options that `build`, `estimate` and `quantize` share."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from rtlnn.ops import Precision
from rtlnn.options import Options
from rtlnn.passes.settings import Settings
from rtlnn.passes.softmax import SoftmaxPlace
from rtlnn.plan.goal import DEFAULT_SHARE, Objective
from rtlnn.precision import read_precision
from rtlnn.quantization import Calibration, CalibrationMethod

__all__ = [
    "add_accuracy_options",
    "add_design_options",
    "add_json",
    "add_model_options",
    "add_quantization_options",
    "add_requantize",
    "design_options",
    "input_shapes",
    "quantization",
]


def add_model_options(parser: ArgumentParser) -> None:
    """The model, its calibration data, its unknown dimensions."""
    parser.add_argument("model", metavar="MODEL", help="ONNX file: float, or quantized in the QDQ format")
    parser.add_argument(
        "--calibration",
        metavar="DATA",
        type=_calibration,
        help="typical inputs for a float model: a .npy file with an array (frames, *shape of the model's input), or "
        "`random` for studies of size and speed",
    )
    parser.add_argument(
        "--input-shape",
        metavar="NAME=N,N,...",
        type=_shape,
        action="append",
        default=[],
        help="shape of an input with unknown dimensions, such as x=1,3,32,32; may be given several times",
    )


def add_quantization_options(parser: ArgumentParser) -> None:
    """How a float model is quantized."""
    parser.add_argument(
        "--precision",
        type=Path,
        metavar="FILE",
        help="bits of weights and activations, requantization and rounding layer by layer: a YAML file, see "
        "docs/precision.md",
    )
    parser.add_argument(
        "--calibration-method",
        choices=[m.value for m in CalibrationMethod],
        default=CalibrationMethod.MIN_MAX.value,
        help="how the ranges of activations are taken from the calibration data: all of it, without the 0.01 %% "
        "farthest out, or by the least squared error (default: min-max)",
    )


def add_design_options(parser: ArgumentParser) -> None:
    """Platform, targets, budget, plan."""
    parser.add_argument(
        "--platform",
        default="u200",
        metavar="NAME",
        help="one of `rtlnn platforms`, or a file (default: u200)",
    )
    parser.add_argument(
        "--compute-units",
        type=int,
        metavar="N",
        help="copies of the design on a card, each with its own die and memory banks; targets and budget are for one "
        "(default: what the platform says, 1)",
    )
    add_quantization_options(parser)
    add_accuracy_options(parser)
    add_requantize(parser)
    _add_softmax(parser)
    goal = parser.add_argument_group("goal")
    goal.add_argument(
        "--optimize",
        choices=[o.value for o in Objective],
        default=Objective.THROUGHPUT.value,
        help="with a target: the smallest design that reaches it; `latency` then spends the rest of the budget "
        "(default: throughput)",
    )
    goal.add_argument("--target-fps", type=float, metavar="N", help="frames a second to reach")
    goal.add_argument("--target-interval", type=int, metavar="CYCLES", help="clock cycles a frame to reach")
    goal.add_argument(
        "--target-latency",
        type=int,
        metavar="CYCLES",
        help="clock cycles from a frame's first input to its last output to reach; layers on which it depends are made "
        "faster than the interval asks for",
    )
    goal.add_argument(
        "--plan", type=Path, metavar="FILE", help="follow this plan.json, perhaps edited, in place of a search"
    )
    memory = parser.add_argument_group(
        "weights from external memory",
        "for dense layers; without these options, only where they do not fit on the chip",
    )
    memory.add_argument(
        "--stream", metavar="LAYER", action="append", default=[], help="stream this layer's weights; may be repeated"
    )
    memory.add_argument(
        "--reloadable",
        metavar="LAYER",
        action="append",
        default=[],
        help="make hardware in which this layer's weights can be replaced between frames; may be repeated; "
        "`all` for every layer with weights",
    )
    memory.add_argument(
        "--batch",
        type=int,
        default=1,
        metavar="N",
        help="the most frames for which weights may be read once; frames are then sent in whole batches (default: 1)",
    )
    budget = parser.add_argument_group("budget")
    budget.add_argument(
        "--utilization",
        type=float,
        default=DEFAULT_SHARE,
        metavar="PART",
        help="part of what the platform leaves to the user that may be filled; beyond 0.7, routing becomes hard "
        "(default: %(default)s)",
    )
    budget.add_argument("--max-dsp", type=int, metavar="N", help="multipliers (DSP slices)")
    budget.add_argument("--max-lut", type=int, metavar="N", help="look-up tables")
    budget.add_argument("--max-bram", type=float, metavar="N", help="block RAMs of 36 Kbit")


def add_requantize(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--requantize",
        choices=[p.value for p in Precision],
        default=Precision.EXACT.value,
        help="`exact` equals onnxruntime on every bit; `fast` takes one DSP less a lane and differs by one step at "
        "times (default: exact)",
    )


def _add_softmax(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--softmax",
        choices=[p.value for p in SoftmaxPlace],
        default=SoftmaxPlace.HOST.value,
        help="where a Softmax is computed: `hardware` does so in fixed point, to within 0.5625 steps of the result "
        "(default: host)",
    )


def add_json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object, for machines")


def input_shapes(options: Namespace) -> dict[str, tuple[int, ...]]:
    return dict(options.input_shape)


def add_accuracy_options(parser: ArgumentParser) -> None:
    """Bits that an accuracy chooses."""
    parser.add_argument(
        "--accuracy-drop",
        type=float,
        metavar="POINTS",
        help="choose the bits of a float classifier layer by layer, so that it loses at most so many percent points of "
        "accuracy on the calibration data; needs --labels",
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="a .npy file: the class of each frame of the calibration data"
    )


def quantization(options: Namespace) -> tuple[Settings | None, CalibrationMethod]:
    """What the options of `add_quantization_options` say. Raises `InputError` for a precision file with faults."""
    settings = read_precision(options.precision) if options.precision else None
    return settings, CalibrationMethod(options.calibration_method)


def design_options(options: Namespace) -> Options:
    """What the options of `add_model_options` and `add_design_options` say."""
    return Options(
        platform=options.platform,
        calibration=options.calibration,
        input_shapes=input_shapes(options),
        precision=Precision(options.requantize),
        settings=options.precision,
        calibration_method=CalibrationMethod(options.calibration_method),
        accuracy_drop=options.accuracy_drop,
        labels=options.labels,
        softmax=SoftmaxPlace(options.softmax),
        objective=Objective(options.optimize),
        target_interval=options.target_interval,
        target_fps=options.target_fps,
        target_latency=options.target_latency,
        max_dsp=options.max_dsp,
        max_lut=options.max_lut,
        max_bram=options.max_bram,
        utilization=options.utilization,
        plan=options.plan,
        stream=tuple(options.stream),
        reloadable=tuple(options.reloadable),
        batch=options.batch,
        compute_units=options.compute_units,
    )


def _calibration(text: str) -> Path | Calibration:
    return Calibration.RANDOM if text == Calibration.RANDOM.value else Path(text)


def _shape(text: str) -> tuple[str, tuple[int, ...]]:
    # names may hold "=", numbers may not
    name, _, numbers = text.rpartition("=")
    try:
        shape = tuple(int(n) for n in numbers.split(","))
    except ValueError:
        shape = ()
    if not name or not shape or min(shape) < 1:
        raise ArgumentTypeError(f"{text!r} is not a name and a shape; write it as x=1,3,32,32")
    return name, shape
