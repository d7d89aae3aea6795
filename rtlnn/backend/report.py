"""Runs the official operator tests and prints a table: operator × (passed, refused with reason, failed).

python -m rtlnn.backend.report [-o docs/operators.md]
"""

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import onnx

from rtlnn.backend.backend import Evaluation
from rtlnn.backend.cases import KINDS, CaseResult, Outcome, official_cases, run_case

__all__ = ["document", "main", "operator_of", "run_all"]

LONGEST_REASON = 160

HEADER = """\
# Operators

What becomes of the operator tests that come with the `onnx` package ({version}; node, simple, PyTorch-converted and
PyTorch-operator cases). This page is written by `python -m rtlnn.backend.report -o docs/operators.md`.

- **passed**: the result equals the expected one. {integer:,} cases ran on the integer network, which the hardware
  equals on every bit; {real:,} ran on the graph of real numbers that stands before quantization, because one float
  operator is no quantized network. These say that the operator's meaning is right, not that a layer is.
- **refused**: reading the case ends in an error that names node, operator, reason and a way out. Weights, shapes and
  the like that come as inputs are taken as constants.
- **failed**: a wrong result, or any other error. There must be none.

{passed:,} passed, {refused:,} refused, {failed:,} failed.
"""


def _operators() -> dict[str, str]:
    """Operators by their name in lower case."""
    return {s.name.lower(): s.name for s in onnx.defs.get_all_schemas()}


def operator_of(result: CaseResult, operators: Mapping[str, str]) -> str:
    """The operator that a case is about: its model's only one, or the one that the case is named after."""
    if result.kind == "node" and len(result.operators) == 1:
        return result.operators[0]
    if result.kind.startswith("pytorch"):
        plain = result.name.removeprefix("test_").removeprefix("operator_").split("_")[0]
        return f"PyTorch {plain}"
    plain = result.name.removeprefix("test_").replace("_", "").lower()
    found = max((o for o in operators if plain.startswith(o)), key=len, default="")
    return operators[found] if found else "several operators"


def run_all(kinds: Iterable[str] = KINDS) -> list[CaseResult]:
    """The results of all cases, in order."""
    return [run_case(case) for kind in kinds for case in official_cases(kind)]


def _reason(results: Sequence[CaseResult]) -> str:
    """The most frequent reason of refusals, without the names of nodes."""
    reasons = Counter(_short(r) for r in results if r.outcome is Outcome.REFUSED)
    return max(sorted(reasons), key=reasons.__getitem__) if reasons else ""


def _short(result: CaseResult) -> str:
    """The first problem of a refusal."""
    lines = [line.strip() for line in result.reason.splitlines()]
    first = lines[1] if len(lines) > 1 else lines[0]
    # "Operator 'node': reason; advice"
    operator, found, rest = first.partition("': ")
    if not found:
        return first.replace("|", "\\|")[:LONGEST_REASON]
    kind = operator.partition(" '")[0]
    text = rest if (kind,) == result.operators else f"{kind}: {rest}"
    return text.replace("|", "\\|")[:LONGEST_REASON]


def document(results: Sequence[CaseResult]) -> str:
    """The results as a page in Markdown; the same results give the same text."""
    operators = _operators()
    groups: dict[str, list[CaseResult]] = {}
    for result in results:
        groups.setdefault(operator_of(result, operators), []).append(result)
    counts = Counter(r.outcome for r in results)
    ways = Counter(r.evaluation for r in results if r.outcome is Outcome.PASSED)
    text = HEADER.format(
        version=onnx.__version__,
        integer=ways[Evaluation.INTEGER],
        real=ways[Evaluation.REAL],
        passed=counts[Outcome.PASSED],
        refused=counts[Outcome.REFUSED],
        failed=counts[Outcome.FAILED],
    )
    rows = {name: _row(name, groups[name]) for name in sorted(groups, key=lambda n: (n.startswith("PyTorch"), n))}
    known = [n for n in rows if any(r.outcome is not Outcome.REFUSED for r in groups[n])]
    columns = "| operator | passed | refused | failed | most frequent reason of a refusal |\n|---|---|---|---|---|\n"
    text += "\n## Operators with cases that run\n\n" + columns + "".join(rows[n] for n in known)
    text += "\n## Operators that are refused\n\n" + columns + "".join(rows[n] for n in rows if n not in known)
    return text


def _row(name: str, results: Sequence[CaseResult]) -> str:
    counts = Counter(r.outcome for r in results)
    numbers = " | ".join(str(counts[o]) for o in (Outcome.PASSED, Outcome.REFUSED, Outcome.FAILED))
    return f"| {name} | {numbers} | {_reason(results)} |\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if no case fails, 1 if one does."""
    parser = ArgumentParser(prog="python -m rtlnn.backend.report", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the table to a file (Markdown)")
    options = parser.parse_args(arguments)
    results = run_all()
    text = document(results)
    if options.output:
        options.output.write_text(text)
    else:
        print(text, end="")
    failed = [r for r in results if r.outcome is Outcome.FAILED]
    for result in failed:
        print(f"FAILED {result.kind} {result.name}: {result.reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
