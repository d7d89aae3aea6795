"""Measures networks that others trained: python -m benchmarks.zoo --data ../shared/data

The folder holds models/ and datasets/. Each network is imported as it is, compared with onnxruntime, built, simulated
and synthesized; docs/networks.md and benchmarks/zoo/results.json are written.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.results import commit_of
from benchmarks.zoo.catalogue import ENTRIES, Entry
from benchmarks.zoo.measure import Outcome, measure
from benchmarks.zoo.table import document
from rtlnn.errors import InputError, RtlnnError

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.zoo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder with models/ and datasets/")
    parser.add_argument("--only", metavar="TEXT", default="", help="only networks with TEXT in their name")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the builds in this folder")
    options = parser.parse_args(arguments)
    chosen = [entry for entry in ENTRIES if options.only in entry.name]
    try:
        if not chosen:
            raise InputError(f"no network has {options.only!r} in its name")
        with tempfile.TemporaryDirectory() as scratch:
            for entry in chosen:
                outcome = measure(entry, options.data, options.keep or Path(scratch), _say)
                # after each, so that a long run that is stopped has not been for nothing
                _write(entry, outcome)
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print((ROOT / "docs" / "networks.md").read_text())
    return 0


def _say(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _write(entry: Entry, outcome: Outcome) -> None:
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    stored[entry.name] = {"commit": commit_of(ROOT), **asdict(outcome)}
    RESULTS.write_text(json.dumps({e.name: stored[e.name] for e in ENTRIES if e.name in stored}, indent=1) + "\n")
    rows = {}
    for known in ENTRIES:
        if known.name in stored:
            values = {key: value for key, value in stored[known.name].items() if key != "commit"}
            rows[known] = Outcome(**values), stored[known.name]["commit"]
    (ROOT / "docs" / "networks.md").write_text(document(rows))


if __name__ == "__main__":
    sys.exit(main())
