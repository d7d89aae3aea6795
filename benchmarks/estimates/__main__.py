"""Compares estimates with Yosys, layer by layer, and writes docs/estimates.md: python -m benchmarks.estimates

Kinds that are not measured keep their numbers. Exit code 1 if an estimate is too far off.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.estimates.document import load, misses, write
from benchmarks.estimates.grid import KINDS, samples
from benchmarks.estimates.measure import measure

DOCS = Path(__file__).resolve().parents[2] / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.estimates",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="only kinds of layers with TEXT in their name")
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="DIR", help="where the page goes (default: docs)")
    options = parser.parse_args(arguments)
    for kind in KINDS:
        if options.only not in kind:
            continue
        found = {}
        for sample in samples([kind]):
            found[sample.name] = measure(sample)
            print(sample.name, found[sample.name], file=sys.stderr, flush=True)
        write({**load(options.docs), kind: found}, options.docs)
    wrong = misses(load(options.docs))
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
