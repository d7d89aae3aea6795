"""Builds large networks, simulates their layers, and writes docs/big_networks.md: python -m benchmarks.big

Rows that are not measured keep their numbers. Exit code 1 if a layer fails.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.big.document import load, write
from benchmarks.big.measure import measure
from benchmarks.big.rows import ROWS, Row
from rtlnn.errors import RtlnnError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.big", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="the row of that name, or those with TEXT in it")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with the models of others (MobileNetV2)")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="keep builds in this folder, and take those that are there"
    )
    parser.add_argument("--layers", type=int, metavar="N", help="simulate so many further layers (default: all)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that simulate (default: one a processor)")
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="DIR", help="where the page goes (default: docs)")
    options = parser.parse_args(arguments)

    def say(step: str) -> None:
        print(step, file=sys.stderr, flush=True)

    good = True
    try:
        with tempfile.TemporaryDirectory() as scratch:
            work = options.work or Path(scratch)
            work.mkdir(parents=True, exist_ok=True)
            for row in chosen_rows(options.only):
                for result in measure(row, work, options.models, options.layers, options.workers, say):
                    write({**load(options.docs), row.name: result}, options.docs)
                good = good and not result.get("simulated", {}).get("failures")
                say(f"{row.name}: {result}")
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0 if good else 1


def chosen_rows(text: str) -> list[Row]:
    """The row of that name, or all with the text in their names."""
    exact = [row for row in ROWS if row.name.lower() == text.lower()]
    return exact or [row for row in ROWS if text.lower() in row.name.lower()]


if __name__ == "__main__":
    sys.exit(main())
