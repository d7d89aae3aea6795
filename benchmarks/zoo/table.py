"""The rows as Markdown."""

from collections.abc import Mapping

from benchmarks.figures import Figure
from benchmarks.zoo.catalogue import ENTRIES, Entry
from benchmarks.zoo.measure import Outcome

__all__ = ["document"]

_HEAD = (
    "network", "dialect", "differs from onnxruntime", "accuracy", "onnxruntime", "RTL frames", "interval", "latency",
    "DSP", "LUT", "FF", "BRAM36",
)  # fmt: skip
_RESOURCES = (Figure.DSP, Figure.LUT, Figure.FF, Figure.BRAM36)
_NOTHING = "-"


def document(rows: Mapping[Entry, tuple[Outcome, str]]) -> str:
    """docs/networks.md for what was measured of each network, and at which commit."""
    done = {entry: outcome for entry, (outcome, _) in rows.items()}
    accepted = [entry for entry, outcome in done.items() if outcome.refused is None]
    commits = sorted({commit for _, commit in rows.values()})
    lines = [_HEAD, ("---",) * len(_HEAD), *(_line(e, done[e]) for e in accepted)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    missing = [e.name for e in ENTRIES if e not in done]
    refused = "".join(f"- {e.name}: {o.refused}\n" for e, o in done.items() if o.refused is not None)
    return (
        "# Networks that others trained\n\n"
        f"{len({e.file for e in accepted})} of {len({e.file for e in done})} files, as they are. "
        f"Measured at {', '.join(commits)} by `python -m benchmarks.zoo`.\n\n"
        f"{table}\n"
        "Differences are counted end to end, over all output values, against onnxruntime's integer kernels, as "
        "`rtlnn compare` counts them; real outputs may differ by 1e-6, the rounding of a Softmax on the host. Float "
        "models are quantized by rtlnn, and compared in that form; their accuracy in onnxruntime is that of the float "
        "model. The integer reference's accuracy is the hardware's: the RTL equalled it on every bit of its frames, "
        "and its cycles those of the plan. Where the whole was too large to simulate, its "
        "layers were, one by one, each with the reference's tensors; their cycles are those of the schedule that says "
        "the cycles of the whole. Resources are counted by Yosys.\n"
        + (f"\nRefused:\n\n{refused}" if refused else "")
        + (f"\nNot measured yet: {'; '.join(missing)}.\n" if missing else "")
    )


def _line(entry: Entry, outcome: Outcome) -> tuple[str, ...]:
    differing = _NOTHING
    if outcome.differing is not None:
        differing = "0" if not outcome.differing else f"{100 * outcome.differing:.3g} % (by {outcome.largest:.3g})"
    figures = outcome.figures or {}
    resources = [figure.show(figures[figure.value]) if figure.value in figures else _NOTHING for figure in _RESOURCES]
    cycles = [_NOTHING if c is None else f"{c:,}" for c in (outcome.interval, outcome.latency)]
    return (
        entry.name, entry.dialect.value, differing, _percent(outcome.accuracy), _percent(outcome.theirs),
        f"{outcome.simulated}, by layer" if entry.by_layer else str(outcome.simulated), *cycles, *resources,
    )  # fmt: skip


def _percent(value: float | None) -> str:
    return _NOTHING if value is None else f"{value:.2f} %"
