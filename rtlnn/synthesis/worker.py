"""Synthesizes one module, in a process of its own: `python worker.py JOB.json`.

Yosys as a library keeps global state, and a fault in it ends the process. JOB has the keys `file` (Verilog), `stubs`
(Verilog of which only the ports matter), `top` and `out` (where the result goes). The result has `cells`, the number of
cells by type, and `depth`, the most LUTs in a row between registers.
"""

import json
import sys
from pathlib import Path
from typing import Any

SYNTHESIS = "synth_xilinx -family xcup -flatten -noiopad -noclkbuf"
COMBINATIONAL = ("LUT", "INV", "CARRY", "MUXF", "RAM")
"""Cells through which a path goes on; all others begin and end it."""
LEVELS = ("LUT", "INV", "RAM")
"""Those that count as a level."""


def main(job_file: str) -> None:
    from pyosys import libyosys

    job = json.loads(Path(job_file).read_text())
    out = Path(job["out"])
    netlist = out.with_suffix(".netlist.json")
    design = libyosys.Design()
    libyosys.run_pass(f'read_verilog -lib "{job["stubs"]}"', design)
    libyosys.run_pass(f'read_verilog "{job["file"]}"', design)
    libyosys.run_pass(f"{SYNTHESIS} -top {job['top']}", design)
    libyosys.run_pass(f'write_json "{netlist}"', design)
    cells = json.loads(netlist.read_text())["modules"][job["top"]]["cells"].values()
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell["type"]] = counts.get(cell["type"], 0) + 1
    result = {"cells": dict(sorted(counts.items())), "depth": depth(list(cells))}
    out.write_text(json.dumps(result))


def depth(cells: list[dict[str, Any]]) -> int:
    """The most LUTs in a row between registers. A loop of gates ends where it closes."""
    drivers: dict[int, dict[str, Any]] = {}
    for cell in cells:
        if cell["type"].startswith(COMBINATIONAL) and not cell["type"].startswith("RAMB"):
            for port, bits in cell["connections"].items():
                if cell["port_directions"][port] == "output":
                    drivers.update((bit, cell) for bit in bits if isinstance(bit, int))
    levels: dict[int, int] = {}  # by the cell's identity
    for start in drivers.values():
        stack = [] if id(start) in levels else [start]
        while stack:
            cell = stack[-1]
            if id(cell) not in levels:
                levels[id(cell)] = 0  # under way
                stack += [d for d in before(cell, drivers) if id(d) not in levels]
            else:
                stack.pop()
                deepest = max((levels[id(d)] for d in before(cell, drivers)), default=0)
                levels[id(cell)] = deepest + cell["type"].startswith(LEVELS)
    return max(levels.values(), default=0)


def before(cell: dict[str, Any], drivers: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """The combinational cells that drive the cell's inputs; of a memory, only those of its read addresses."""
    ports = cell["connections"].items()
    memory = cell["type"].startswith("RAM")
    inputs = [
        bits
        for port, bits in ports
        if cell["port_directions"][port] == "input" and (not memory or port.startswith(("A", "DPRA")))
    ]
    return [drivers[bit] for bits in inputs for bit in bits if bit in drivers]


if __name__ == "__main__":
    main(sys.argv[1])
