"""Simulate a build: every output bit against the reference, every planned cycle."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rtlnn.api import simulate
from rtlnn.cli.console import bar_display
from rtlnn.cli.model_options import add_json
from rtlnn.cli.simulation_table import print_result
from rtlnn.errors import CheckFailed
from rtlnn.sim.result import Level
from rtlnn.sim.simulators import Simulator

EXAMPLES = """\
examples:
  rtlnn simulate build/model                                   # random frames, with and without stalls
  rtlnn simulate build/model --inputs images.npy               # the model's own inputs
  rtlnn simulate build/model --level kernel --frames 64        # through bus masters and simulated DDR
  rtlnn simulate build/model --frames 2 --waves                # record the signals
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("build_dir", type=Path, metavar="BUILD_DIR", help="folder that `rtlnn build` wrote")
    parser.add_argument(
        "--inputs",
        type=Path,
        metavar="FILE",
        help="a .npy file: frames in the model's own shape and numbers, or integers (N, H, W, C) as the hardware takes "
        "them (default: random integers)",
    )
    parser.add_argument("--frames", type=int, metavar="N", help="simulate so many frames (of the inputs, the first)")
    parser.add_argument(
        "--level",
        choices=[v.value for v in Level],
        default=Level.CORE.value,
        help="the core with its streams, or the platform's kernel with its memory (default: core)",
    )
    parser.add_argument(
        "--simulator",
        choices=[v.value for v in Simulator],
        default=Simulator.VERILATOR.value,
        help="default: verilator",
    )
    parser.add_argument("--waves", action="store_true", help="record the signals in BUILD_DIR/sim/")
    add_json(parser)


def run(options: Namespace) -> int:
    with bar_display() as progress:
        result = simulate(
            options.build_dir,
            options.inputs,
            options.frames,
            Level(options.level),
            Simulator(options.simulator),
            options.waves,
            progress,
        )
    if options.json:
        print(result.to_json(), end="")
    else:
        print_result(result)
    return 0 if result.passed else CheckFailed.exit_code
