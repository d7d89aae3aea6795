"""Synthesizes a chip's design with Yosys, in a process of its own: `python worker.py JOB.json`.

JOB has the keys `files` (Verilog), `mem` (folder of the memories' contents), `top`, `multipliers` (commands that go
before synthesis), `command` (Yosys's synthesis command), `json` (netlist for nextpnr), `verilog` (the same for
simulators) and `tables` (what the family's LUTs are).
"""

import json
import sys
from pathlib import Path


def main(job_file: str) -> None:
    from pyosys import libyosys

    job = json.loads(Path(job_file).read_text())
    design = libyosys.Design()

    def run(command: str) -> None:
        libyosys.run_pass(command, design)

    files = " ".join(f'"{name}"' for name in job["files"])
    run(f'read_verilog -DRTLNN_MEM_DIR="{job["mem"]}/" {files}')
    run(f"hierarchy -top {job['top']}")
    # small memories: these families have no LUTs with first contents, and the iCE40 has no memories of LUTs at all
    run("setattr -unset ram_style -unset rom_style a:rom_style=distributed a:ram_style=distributed %u")
    for command in job["multipliers"]:
        run(command)
    run(f"{job['command']} -top {job['top']} -json {job['json']}")
    # thousands of LUTs, each with contents of its own, would be thousands of modules for a simulator
    run(f"techmap -map {job['tables']}")
    run(f"write_verilog -noattr {job['verilog']}")


if __name__ == "__main__":
    main(sys.argv[1])
