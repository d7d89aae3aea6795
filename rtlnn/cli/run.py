"""Run a build on the model's own inputs: on a board, in simulation, or in NumPy."""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import numpy as np

from rtlnn.array_files import check_target, read_arrays, write_arrays
from rtlnn.cli.console import print_lines, step_display
from rtlnn.runtime import Run, load
from rtlnn.runtime.inputs import frames_of
from rtlnn.runtime.openers import OPENERS
from rtlnn.runtime.runtime import BATCH
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.reference import load as load_reference

EXAMPLES = """\
examples:
  rtlnn run build/model images.npy -o scores.npy                # the generated Verilog, simulated
  rtlnn run build/model inputs.npz --backend reference          # several inputs by name; no tool is needed
  rtlnn run build/model images.npy --port /dev/ttyUSB0          # a board with a serial link
"""

OPTIONS = {
    "port": (str, "PORT", "serial port of the board; implies --backend serial"),
    "device": (int, "N", "number of the accelerator card (default: the first)"),
    "bitstream": (Path, "FILE", "what to load into the chip (default: the one in the build folder)"),
}
"""Options of back ends; one that does not have an option says so."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("build_dir", type=Path, metavar="BUILD_DIR", help="folder that `rtlnn build` wrote")
    parser.add_argument(
        "inputs",
        type=Path,
        metavar="INPUTS",
        help="a .npy file with frames in the model's own shape and numbers; of several inputs, a .npz file by name",
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the results: .npy, or .npz by name")
    parser.add_argument("--backend", choices=tuple(OPENERS), help="what runs it (default: simulator)")
    for name, (kind, metavar, text) in OPTIONS.items():
        parser.add_argument(f"--{name}", type=kind, metavar=metavar, help=text)
    parser.add_argument(
        "--batch", type=int, default=BATCH, metavar="N", help=f"frames to hand over at once (default: {BATCH})"
    )


def run(options: Namespace) -> int:
    given: dict[str, Any] = {name: value for name in OPTIONS if (value := getattr(options, name)) is not None}
    backend = options.backend or ("serial" if "port" in given else "simulator")
    data = read_arrays(options.inputs)
    frames, named = ((), data) if isinstance(data, dict) else ((data,), {})
    # a back end can take minutes to open
    network = load_reference(BuildFolder.open(options.build_dir).path).network
    frames_of(network, frames, named)
    if options.output:
        check_target(options.output, len(network.outputs))
    with step_display() as progress:
        progress(f"opening the back end {backend}")
        with load(options.build_dir, backend, batch=options.batch, **given) as runtime:
            progress("running")
            made = runtime.run(*frames, **named)
    for name, array in made.outputs.items():
        print_lines(f"{name}: {array.dtype} {array.shape}")
        if not options.output:
            print_lines(np.array2string(array, threshold=200, edgeitems=4, max_line_width=120, precision=6))
    print_lines(_times(made, backend))
    if made.note:
        print_lines(made.note)
    if options.output:
        write_arrays(options.output, made.outputs)
        print_lines(f"written to {options.output}")
    return 0


def _times(made: Run, backend: str) -> str:
    rate = f"{made.frames / made.seconds:,.0f} frames a second" if made.seconds else "at once"
    cycles = "" if made.cycles is None else f"; {made.cycles:,} clock cycles, {made.cycles / made.frames:,.1f} a frame"
    frames = f"{made.frames:,} frame" + ("" if made.frames == 1 else "s")
    return f"{frames} in {made.seconds:.3g} s ({backend}), {rate}{cycles}; host {made.host_seconds:.3g} s"
