"""Synthesizes one module, in a process of its own: `python worker.py JOB.json`.

Yosys as a library keeps global state, and a fault in it ends the process. JOB has the keys `family` (of Yosys's
`synth_xilinx`), `file` (Verilog), `stubs` (Verilog of which only the ports matter), `children` (the modules in there),
`top` and `out` (where the result goes). The result has `cells`, the number of cells by type, `instances`, the modules
among `children` by the names of their instances, and `timing` (see `ModuleTiming`).
"""

import json
import sys
from pathlib import Path

WIRE_PS = 1200
"""What the wires to a LUT take by the mapper's reckoning, in picoseconds: more than any LUT, so that levels count.

By default these are 300, and the LUTs, as those of the 7 series, 124 to 642. Then a path that is not the longest one in
picoseconds is made of as many levels as save LUTs. In an UltraScale+ chip the wires take most of a path's time.
"""


def main(job_file: str) -> None:
    from pyosys import libyosys

    from rtlnn.synthesis.timing import timing_of

    job = json.loads(Path(job_file).read_text())
    out = Path(job["out"])
    netlist = out.with_suffix(".netlist.json")
    design = libyosys.Design()
    libyosys.run_pass(f'read_verilog -lib "{job["stubs"]}"', design)
    libyosys.run_pass(f'read_verilog "{job["file"]}"', design)
    libyosys.run_pass(f"scratchpad -set synth_xilinx.abc9.W {WIRE_PS}", design)
    libyosys.run_pass(f"synth_xilinx -family {job['family']} -flatten -noiopad -noclkbuf -top {job['top']}", design)
    libyosys.run_pass(f'write_json "{netlist}"', design)
    module = json.loads(netlist.read_text())["modules"][job["top"]]
    counts: dict[str, int] = {}
    for cell in module["cells"].values():
        counts[cell["type"]] = counts.get(cell["type"], 0) + 1
    result = {
        "cells": dict(sorted(counts.items())),
        "instances": {name: cell["type"] for name, cell in module["cells"].items() if cell["type"] in job["children"]},
        "timing": timing_of(module, job["children"]).to_json(),
    }
    out.write_text(json.dumps(result))


if __name__ == "__main__":
    # alone with the standard library and this package, whatever the working directory holds
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main(sys.argv[1])
