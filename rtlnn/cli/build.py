"""Build a model into a folder with everything that its hardware needs.

The folder is replaced as a whole at the end; if anything fails, nothing is left behind.
"""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rtlnn.builder import build
from rtlnn.cli.console import print_lines, step_display
from rtlnn.cli.model_options import add_design_options, add_json, add_model_options, design_options
from rtlnn.cli.phases import add_profile, phase_of, phases
from rtlnn.cli.report_tables import print_report

EXAMPLES = """\
examples:
  rtlnn build model_int8.onnx                                        # u200, as fast as the budget allows
  rtlnn build model.onnx --calibration data.npy --target-fps 100000  # the smallest that is so fast
  rtlnn build model.onnx --calibration data.npy --platform zu9eg --max-dsp 200 -o out
  rtlnn build model_int8.onnx --plan edited_plan.json                # the foldings are yours
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_model_options(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder to write (default: build/MODEL)")
    add_design_options(parser)
    add_json(parser)
    add_profile(parser)


def run(options: Namespace) -> int:
    output = options.output or Path("build") / Path(options.model).stem
    with phases(options.profile) as timer, step_display() as show:
        report = build(options.model, output, design_options(options), timer.timed(show, phase_of))
    if options.json:
        print(json.dumps(report, indent=2))
        return 0
    print_report(report)
    print_lines(f"written to {output}; next: rtlnn simulate {output}")
    return 0
