"""Count the cells of a build with Yosys, for UltraScale+; no vendor tool is needed."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rtlnn.cli.console import bar_display
from rtlnn.cli.model_options import add_json
from rtlnn.cli.synthesis_table import print_cells
from rtlnn.synthesis import synth

EXAMPLES = """\
examples:
  rtlnn synth build/model
  rtlnn synth build/model --json
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("build_dir", type=Path, metavar="BUILD_DIR", help="folder that `rtlnn build` wrote")
    add_json(parser)


def run(options: Namespace) -> int:
    with bar_display() as progress:
        result = synth(options.build_dir, progress)
    if options.json:
        print(result.to_json(), end="")
    else:
        print_cells(result)
    return 0
