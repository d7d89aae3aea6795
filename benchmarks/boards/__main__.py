"""Makes bitstreams of the digits networks for boards with free tools: python -m benchmarks.boards

Writes benchmarks/boards/results.json and the table of docs/platforms/open_boards.md. Rows that are not measured keep
their numbers. Exit code 1 if a clock is not reached, or a netlist is wrong.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.boards.measure import CASES, measure
from benchmarks.boards.table import table
from benchmarks.documents import with_section
from rtlnn.errors import RtlnnError

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "platforms" / "open_boards.md"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.boards", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="only cases with TEXT in 'BOARD MODEL'")
    parser.add_argument("--work", type=Path, metavar="DIR", help="keep builds in this folder")
    parser.add_argument("--netlist", action="store_true", help="simulate the netlists, too (not Gowin's)")
    options = parser.parse_args(arguments)
    rows = {row["board"] + " " + row["model"]: row for row in json.loads(RESULTS.read_text())}
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for case in CASES:
            if options.only not in case.name:
                continue
            try:
                made = measure(case, options.work or Path(scratch), options.netlist, _say)
            except RtlnnError as error:
                print(f"{case.name}: {error}", file=sys.stderr)
                good = False
                continue
            rows[case.name] = made
            good = good and made["file"] is not None and made["netlist_equals_reference"] is not False
            order = [rows[c.name] for c in CASES if c.name in rows]
            RESULTS.write_text(json.dumps(order, indent=2) + "\n")
            PAGE.write_text(with_section(PAGE.read_text(), table(order)))
    return 0 if good else 1


def _say(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
