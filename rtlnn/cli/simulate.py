"""Simulate a build: every output bit against the reference, every planned cycle."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rtlnn.api import simulate, simulate_by_layer, simulate_on_card
from rtlnn.cli.console import bar_display
from rtlnn.cli.model_options import add_json
from rtlnn.cli.phases import add_profile, bar_phase_of, phases
from rtlnn.cli.simulation_table import print_card, print_layers, print_result
from rtlnn.errors import CheckFailed, InputError
from rtlnn.sim.result import Level
from rtlnn.sim.simulators import Simulator

EXAMPLES = """\
examples:
  rtlnn simulate build/model                                   # random frames, with and without stalls
  rtlnn simulate build/model --inputs images.npy               # the model's own inputs
  rtlnn simulate build/model --level kernel --frames 64        # through bus masters and simulated DDR
  rtlnn simulate build/model --card                            # the host program on a card with all compute units
  rtlnn simulate build/model --level netlist --frames 2        # what Yosys made for a bitstream
  rtlnn simulate build/model --frames 2 --waves                # record the signals
  rtlnn simulate build/model --by-layer --workers 8            # each layer by itself: for large networks
  rtlnn simulate build/model --by-layer --scheduler tcp://host:8786 --layers conv1,conv2
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
        help="the core with its streams, the platform's kernel with its memory, a board's chip behind its serial line, "
        "or that as the netlist of its bitstream (default: core)",
    )
    parser.add_argument(
        "--simulator",
        choices=[v.value for v in Simulator],
        default=Simulator.VERILATOR.value,
        help="default: verilator",
    )
    parser.add_argument(
        "--by-layer",
        action="store_true",
        help="simulate each layer by itself, fed with the reference's tensors, in parallel processes",
    )
    parser.add_argument(
        "--layers", metavar="NAMES", help="with --by-layer: only these, with commas between them (default: all)"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="with --by-layer: processes (default: one a processor)"
    )
    parser.add_argument("--scheduler", metavar="URL", help="with --by-layer: a Dask scheduler, such as tcp://host:8786")
    parser.add_argument(
        "--card", action="store_true", help="run the host program on a simulated card, with all compute units"
    )
    parser.add_argument("--waves", action="store_true", help="record the signals in BUILD_DIR/sim/")
    add_json(parser)
    add_profile(parser)


def run(options: Namespace) -> int:
    if options.card:
        return _on_card(options)
    if options.by_layer:
        return _by_layer(options)
    if wrong := [name for name in ("layers", "workers", "scheduler") if getattr(options, name) is not None]:
        raise InputError(f"--{wrong[0]} needs --by-layer")
    with phases(options.profile) as timer, bar_display() as show:
        result = simulate(
            options.build_dir,
            options.inputs,
            options.frames,
            Level(options.level),
            Simulator(options.simulator),
            options.waves,
            timer.timed(show, bar_phase_of),
        )
    if options.json:
        print(result.to_json(), end="")
    else:
        print_result(result)
    return 0 if result.passed else CheckFailed.exit_code


def _on_card(options: Namespace) -> int:
    other = ("inputs", "frames", "waves", "by_layer", "layers", "workers", "scheduler")
    if wrong := [name for name in other if getattr(options, name)]:
        raise InputError(f"--card runs the host program's own test; --{wrong[0].replace('_', '-')} does not go with it")
    if options.level != Level.CORE.value or options.simulator != Simulator.VERILATOR.value:
        raise InputError("--card runs all of a card with Verilator; give neither --level nor --simulator")
    with phases(options.profile) as timer, bar_display() as show:
        result = simulate_on_card(options.build_dir, timer.timed(show, bar_phase_of))
    if options.json:
        print(result.to_json(), end="")
    else:
        print_card(result)
    return 0 if result.passed else CheckFailed.exit_code


def _by_layer(options: Namespace) -> int:
    if options.waves or options.level != Level.CORE.value or options.simulator != Simulator.VERILATOR.value:
        raise InputError("--by-layer runs the layers of the core with Verilator, without waves")
    names = [name.strip() for name in options.layers.split(",")] if options.layers else []
    with phases(options.profile) as timer, bar_display() as show:
        progress = timer.timed(show, bar_phase_of)
        result = simulate_by_layer(
            options.build_dir, options.inputs, options.frames, names, options.workers, options.scheduler, progress
        )
    if options.json:
        print(result.to_json(), end="")
    else:
        print_layers(result)
    return 0 if result.passed else CheckFailed.exit_code
