"""Measured rows, as they are kept in results.json, and what got worse since."""

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Figures, Limit
from rtlnn.errors import InputError

__all__ = ["Row", "commit_of", "load", "merged", "regressions", "save"]


@dataclass(frozen=True)
class Row:
    """One design.

    Parameters
    ----------
    network, target : which design it is
    figures : the numbers that may not get worse; empty where no design fits
    commit : where they were measured
    clock_mhz : what the platform aims at
    shortfall : why the target could not be fulfilled, None if it was
    reach : what the figures were to reach
    notes : plain data beside them: seconds, megabytes, layers, accuracy in other number formats
    """

    network: str
    target: str
    figures: Figures
    commit: str
    clock_mhz: float = 0.0
    shortfall: str | None = None
    reach: tuple[Limit, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.network}, {self.target}"

    @property
    def missed(self) -> list[Limit]:
        return [limit for limit in self.reach if not limit.met(self.figures)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data; `reach` also says what was met."""
        return {
            "network": self.network,
            "target": self.target,
            "commit": self.commit,
            "clock_mhz": self.clock_mhz,
            "figures": {figure.value: _plain(value) for figure, value in self.figures.items()},
            "reach": [
                {"figure": r.figure.value, "limit": _plain(r.value), "met": r.met(self.figures)} for r in self.reach
            ],
            "shortfall": self.shortfall,
            "notes": dict(self.notes),
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Row":
        """From plain data."""
        return cls(
            data["network"],
            data["target"],
            {Figure(name): value for name, value in data["figures"].items()},
            data["commit"],
            data["clock_mhz"],
            data["shortfall"],
            tuple(Limit(Figure(r["figure"]), r["limit"]) for r in data["reach"]),
            data["notes"],
        )


def _plain(value: float) -> float:
    """Whole numbers without a fraction; others rounded, so that all machines write the same."""
    return int(value) if value == int(value) else round(value, 4)


def load(path: Path) -> list[Row]:
    """The rows of a results file; none if there is no such file. Raises `InputError` if it cannot be read."""
    if not path.exists():
        return []
    try:
        return [Row.of(data) for data in json.loads(path.read_text())["rows"]]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a results file ({error!r}); restore the committed one") from error


def save(rows: Iterable[Row], path: Path) -> None:
    path.write_text(json.dumps({"rows": [row.to_dict() for row in rows]}, indent=2, ensure_ascii=False) + "\n")


def merged(old: Iterable[Row], new: Iterable[Row], titles: Sequence[str]) -> list[Row]:
    """The rows of `titles`, in that order: new ones where there are, else old ones."""
    known = {row.title: row for row in (*old, *new)}
    return [known[title] for title in titles if title in known]


def regressions(old: Iterable[Row], new: Iterable[Row]) -> list[str]:
    """Every number that got worse, in words: which design, which figure, old and new."""
    before = {row.title: row for row in old}
    found = []
    for row in new:
        for figure, value in before[row.title].figures.items() if row.title in before else ():
            if figure not in row.figures:
                found.append(f"{row.title}: {figure.title} was {figure.show(value)}, and is not measured any more")
            elif figure.worse(_plain(row.figures[figure]), value):
                now = figure.show(row.figures[figure])
                found.append(f"{row.title}: {figure.title} was {figure.show(value)}, and is {now}")
    return found


def commit_of(root: Path) -> str:
    """The commit of the repository `root`; marked if what makes the numbers has changed since."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", "rtlnn", "benchmarks/*.py", "benchmarks/networks", "examples")
    return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if changed else "")
