"""Report what `build` would make, layer by layer, and write nothing."""

import json
from argparse import ArgumentParser, Namespace

from rtlnn.builder import estimate
from rtlnn.cli.console import step_display
from rtlnn.cli.model_options import add_design_options, add_json, add_model_options, design_options
from rtlnn.cli.phases import add_profile, phase_of, phases
from rtlnn.cli.report_tables import print_report

EXAMPLES = """\
examples:
  rtlnn estimate model.onnx --calibration random --platform xc7z020
  rtlnn estimate model_int8.onnx --optimize area --json
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_model_options(parser)
    add_design_options(parser)
    add_json(parser)
    add_profile(parser)


def run(options: Namespace) -> int:
    with phases(options.profile) as timer, step_display() as show:
        report = estimate(options.model, design_options(options), timer.timed(show, phase_of))
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print_report(report)
    return 0
