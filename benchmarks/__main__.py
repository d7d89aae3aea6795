"""Measures everything that the README shows, and writes benchmarks/results.md and benchmarks/results.json.

python -m benchmarks --data ../shared/data/datasets
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.examples import CASES, measure
from benchmarks.tables import accuracy_table, folding_table
from rtlnn.errors import RtlnnError

HERE = Path(__file__).resolve().parent


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with the data sets' files; the digits need none")
    parser.add_argument("--only", metavar="TEXT", default="", help="only networks with TEXT in their name; not written")
    options = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = []
    try:
        with tempfile.TemporaryDirectory() as work:
            for case in CASES:
                if options.only in case.title:
                    rows += measure(
                        case, options.data, Path(work), lambda step: print(step, file=sys.stderr, flush=True)
                    )
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    text = f"{accuracy_table(rows)}\n{folding_table(rows)}"
    print(text)
    if not options.only:
        commit = _commit()
        note = f"Measured at commit {commit} by `python -m benchmarks`.\n\n"
        (HERE / "results.md").write_text(f"# Results\n\n{note}{text}")
        (HERE / "results.json").write_text(json.dumps({"commit": commit, "rows": rows}, indent=2) + "\n")
    return 0


def _commit() -> str:
    """The commit that was measured; marked if the tree has changes."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
