"""Simulates a board's chip, bit by bit on its serial line, as a host talks to it."""

import time

import numpy as np

from rtlnn.platforms.uart.client import Client, LinkError
from rtlnn.platforms.uart.facts import LinkFacts
from rtlnn.platforms.uart.shell import BYTE_BITS
from rtlnn.sim.board_line import SimulatedLine, compile_board, compile_netlist
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.job import Job
from rtlnn.sim.result import Findings

__all__ = ["frame_cycles", "run_board"]

"""Of a byte on the line."""
_SILENCE = 10_000
"""Cycles, more than a chip takes to start."""


def frame_cycles(folder: BuildFolder) -> int:
    """Cycles of a frame: on the line, which is slower than most cores, or in the core."""
    facts, interface = LinkFacts.load(folder.path), folder.interface
    most = max(interface.input.frame_bytes, interface.output.frame_bytes)
    return max(most * BYTE_BITS * facts.clock_hz // facts.baud, interface.interval_cycles)


def run_board(job: Job, findings: Findings, netlist: bool) -> None:
    """All frames through the line of the chip's Verilog, or of the netlist that its bitstream was made of."""
    folder, facts = job.folder, LinkFacts.load(job.folder.path)
    started = time.perf_counter()
    job.progress("building the simulator", 0, 1)
    library = compile_netlist(folder, job.cache_dir) if netlist else compile_board(folder, job.cache_dir)
    findings.build_seconds += time.perf_counter() - started
    port, made = folder.interface.input, folder.interface.output
    job.progress("frames through the serial line", 0, job.frames)
    started = time.perf_counter()
    # the core may think for as long before a byte comes
    timeout = _SILENCE + 2 * frame_cycles(folder)
    with SimulatedLine(library, facts.clock_hz / facts.baud, timeout) as line:
        client = Client(line)
        try:
            client.reset()
            found = client.hello().build.hex()
            data = job.inputs[0].astype(f"<{port.dtype}").tobytes()
            results = client.exchange(data, job.frames * made.frame_bytes)
            broken = client.status().frame_error
        except LinkError as error:
            findings.break_off("serial line", str(error))
            return
    findings.cycles += line.cycles
    findings.running_seconds += time.perf_counter() - started
    if found != facts.build:
        findings.fail("serial line", f"the chip says that it is build {found}, the folder is {facts.build}")
    if broken:
        findings.fail("serial line", "the core met a frame of a wrong length")
    values = np.frombuffer(results, f"<{made.dtype}").reshape(-1, *made.shape).astype(np.int64)
    findings.values("serial line", folder.interface, [values], list(job.expected))
