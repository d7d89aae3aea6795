"""Count the cells of a build with Yosys, and the depth of its logic; no vendor tool is needed."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rtlnn.cli.console import bar_display
from rtlnn.cli.model_options import add_json
from rtlnn.cli.synthesis_table import print_cells
from rtlnn.synthesis import synth

EXAMPLES = """\
examples:
  rtlnn synth build/model
  rtlnn synth build/model --paths 5
  rtlnn synth build/model --json
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("build_dir", type=Path, metavar="BUILD_DIR", help="folder that `rtlnn build` wrote")
    parser.add_argument(
        "--paths", type=int, default=1, metavar="N", help="show the N longest paths of each module (default: 1)"
    )
    add_json(parser)


def run(options: Namespace) -> int:
    with bar_display() as progress:
        result = synth(options.build_dir, progress)
    if options.json:
        print(result.to_json(), end="")
    else:
        print_cells(result, options.paths)
    return 0
