"""Build a model into a folder with everything that its hardware needs.

The folder is replaced as a whole at the end; if anything fails, nothing is left behind.
"""

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from pathlib import Path

from rtlnn.bitstream import DoesNotFit, check_board, make_bitstream, what_would_fit
from rtlnn.builder import build
from rtlnn.cli.bitstream_table import print_bitstream
from rtlnn.cli.console import print_lines, step_display
from rtlnn.cli.model_options import add_design_options, add_json, add_model_options, design_options
from rtlnn.cli.phases import add_profile, phase_of, phases
from rtlnn.cli.report_tables import print_report
from rtlnn.errors import CheckFailed, InputError
from rtlnn.platforms.loader import load_platform

EXAMPLES = """\
examples:
  rtlnn build model_int8.onnx                                        # u200, as fast as the budget allows
  rtlnn build model.onnx --calibration data.npy --target-fps 100000  # the smallest that is so fast
  rtlnn build model.onnx --calibration data.npy --platform zu9eg --max-dsp 200 -o out
  rtlnn build model_int8.onnx --platform ulx3s --bitstream           # by pip alone to what the chip loads
  rtlnn build model_int8.onnx --plan edited_plan.json                # the foldings are yours
"""


def add_arguments(parser: ArgumentParser) -> None:
    add_model_options(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="folder to write (default: build/MODEL)")
    add_design_options(parser)
    parser.add_argument(
        "--bitstream", action="store_true", help="go on to the bitstream with free tools, for boards that have them"
    )
    add_json(parser)
    add_profile(parser)


def run(options: Namespace) -> int:
    output = options.output or Path("build") / Path(options.model).stem
    chosen = design_options(options)
    if options.bitstream:
        check_board(load_platform(chosen.platform))
    made = None
    with phases(options.profile) as timer, step_display() as show:
        report = build(options.model, output, chosen, timer.timed(show, phase_of))
        if options.bitstream:
            try:
                made = make_bitstream(output, load_platform(chosen.platform), show)
            except DoesNotFit as error:
                raise InputError(f"{error}; {what_would_fit(options.model, chosen, report, error)}") from None
    if options.json:
        print(json.dumps(report | ({"bitstream": asdict(made)} if made else {}), indent=2))
    else:
        print_report(report)
        print_lines(f"written to {output}; next: rtlnn simulate {output}")
        if made:
            print_bitstream(made, output)
    if made and not made.met:
        raise CheckFailed(
            f"the clock of {made.wanted_mhz:g} MHz was not reached: {made.achieved_mhz:.1f} MHz are possible, and "
            f"there is no bitstream. The longest path takes {made.critical_path}. Lower `clock_mhz` in a platform "
            "file of your own, or build a smaller design"
        )
    return 0
