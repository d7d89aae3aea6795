"""Measures everything that the README shows: python -m benchmarks --data ../shared/data/datasets

Every design is built, simulated (bits and cycles) and synthesized. Where a number got worse than the committed one,
it is named, nothing is written, and the exit code is 1; else results.md, results.json, results.svg and the README's
tables are written. What did not change is taken from the cache.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import cases, examples
from benchmarks.documents import write
from benchmarks.measure import measure
from benchmarks.results import Row, commit_of, load, merged, regressions
from rtlnn.errors import InputError, RtlnnError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with the examples' data sets; those without are not measured")
    parser.add_argument("--only", metavar="TEXT", default="", help="only designs with TEXT in their title")
    parser.add_argument("--accept", action="store_true", help="write the results even where they got worse")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the builds in this folder")
    options = parser.parse_args(arguments)
    try:
        old = load(HERE / "results.json")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            new = _measure_all(options.only, options.data, options.keep)
        else:
            with tempfile.TemporaryDirectory() as work:
                new = _measure_all(options.only, options.data, Path(work))
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    worse = regressions(old, new)
    for line in worse:
        print(f"WORSE: {line}", file=sys.stderr)
    if worse and not options.accept:
        print("nothing written; `--accept` takes these numbers", file=sys.stderr)
        return 1
    titles = [case.title for case in cases.CASES], [title for case in examples.CASES for title in case.titles]
    print(write(merged(old, new, titles[0]), merged(old, new, titles[1]), ROOT))
    return 0


def _measure_all(only: str, data: Path | None, work: Path) -> list[Row]:
    def say(step: str) -> None:
        print(step, file=sys.stderr, flush=True)

    commit = commit_of(ROOT)
    rows = []
    for case in cases.CASES:
        if only in case.title:
            found = measure(case, work, say)
            key = case.network.name, case.target
            rows.append(Row(*key, found.figures, commit, found.clock_mhz, found.shortfall, case.reach, found.notes))
    for example in examples.CASES:
        if data is None and example.needs_data:
            say(f"{example.title}: not measured again without --data")
        elif any(only in title for title in example.titles):
            rows += examples.measure(example, data, work, say, commit)
    if not rows:
        raise InputError(f"no design has {only!r} in its title")
    return rows


if __name__ == "__main__":
    sys.exit(main())
