"""The table of large networks: docs/big_networks.md, with its numbers in docs/big_networks.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.big.rows import ROWS, Row

__all__ = ["load", "markdown", "write"]

NAME = "big_networks"

HEAD = """\
# Large networks

What others published, what rtlnn reaches, and what limits it. Written by `python -m benchmarks.big`; the numbers are in
[big_networks.json](big_networks.json).

Weights are random, but seeded, in published topologies (`benchmarks/networks/big.py`); MobileNetV2's are trained, from
an int8 model of others. Interval and latency are cycles by the schedule model, which simulation asserts for every kind
of layer and in whole smaller networks; milliseconds are at the clock of the published design. Resources are planned.
Efficiency is multiplications / (interval × 2 × all DSPs). "Verified" counts the layers whose own Verilog was simulated:
every bit equal to the reference, every handshake in the planned cycle, then bits again with random stalls; or says that
the whole was.
"""

TAIL = """\
## What carries the cycles of a whole network

- Each layer that counts as verified: the benchmark simulates its Verilog, and every handshake has to be in the cycle
  that the schedule says.
- What joins layers (queues, forks, width converters, concatenations): the same model; tests simulate whole networks of
  the patterns of Inception and ShuffleNet (`tests/plan/test_deep_topologies.py`), random graphs, and the networks of
  [networks.md](networks.md), as a whole, and compare latency, interval and every bit. Of the large ones it is
  SqueezeNet, with few multipliers, that was simulated as a whole: six frames with stalls, six without, every bit, and
  latency and interval as scheduled.
- Why no queue can stop a network, however source and sink stall: [schedule.md](schedule.md).

## To measure again

```sh
pip install '.[bench,sim,cluster]'
python -m benchmarks.big --only "SqueezeNet 1.1" --work build/big        # build, then simulate every layer
python -m benchmarks.big --only ResNet-50 --work build/big --layers 6    # build, or six layers more
python -m benchmarks.big --only MobileNetV2 --models DIR                 # the folder with the int8 model
python -m benchmarks.big --only Djinn                                    # on the chip, and from DRAM
```

With `--work` builds are kept, and so is what is known of their layers: those with the least logic come first, and the
page is written after every few. In a build, `rtlnn simulate DIR --by-layer --layers NAME` simulates single ones
([simulation.md](simulation.md)).
"""


def markdown(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole page; rows that were not measured say so."""
    columns = (
        "network, device",
        "published",
        "aim",
        "reached",
        "DSP, LUT, BRAM36, URAM",
        "efficiency",
        "limit",
        "verified",
    )
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    lines += [f"| {' | '.join(_cells(row, results.get(row.name)))} |" for row in ROWS]
    return f"{HEAD}\n" + "\n".join(lines) + f"\n\n{_builds(results)}\n{TAIL}"


def write(results: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    (folder / f"{NAME}.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / f"{NAME}.md").write_text(markdown(results))


def load(folder: Path) -> dict[str, dict[str, Any]]:
    """The results of before; none if there is no file."""
    path = folder / f"{NAME}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def _cells(row: Row, result: Mapping[str, Any] | None) -> list[str]:
    aims = (("interval", row.goal.interval), ("latency", row.goal.latency), ("DSP", row.goal.dsp))
    goal = ", ".join(f"{name} ≤ {most:,}" for name, most in aims if most) or "the shortest interval that fits"
    start = [f"{row.name}, {row.platform}", row.published, goal]
    if result is None:
        return [*start, "not measured yet", "", "", "", ""]
    if "refused" in result:
        return [*start, "refused", "", "", str(result["refused"]).replace("|", "/").replace("\n", " "), ""]
    interval, latency = result["interval"], result["latency"]
    pairs = ((interval, row.goal.interval), (latency, row.goal.latency), (result["dsp"], row.goal.dsp))
    met = all(reached <= (most or reached) for reached, most in pairs)
    milliseconds = interval / row.clock_mhz / 1e3, latency / row.clock_mhz / 1e3
    reached = (
        f"interval {interval:,} ({milliseconds[0]:.3g} ms, {1e3 / milliseconds[0]:,.0f} frames/s "
        f"at {row.clock_mhz} MHz), latency {latency:,} ({milliseconds[1]:.3g} ms)" + ("" if met else " ✗")
    )
    cost = ", ".join(f"{result[key]:,g}" if key == "bram36" else f"{result[key]:,}" for key in _RESOURCES)
    limits = result["limits"]
    limit = limits[0] + (f" and {len(limits) - 1} more" if len(limits) > 1 else "")
    seen = result.get("simulated")
    verified = f"{seen['passed']} of {result['layers']} layers" if seen else "-"
    if whole := result.get("whole"):
        verified = f"the whole, {whole['frames']} frames"
    if seen and seen["failures"]:
        verified += f"; {seen['layers'] - seen['passed']} FAILED"
    return [*start, reached, cost, f"{result['efficiency']:.2f}", limit, verified]


_RESOURCES = ("dsp", "lut", "bram36", "uram")


def _builds(results: Mapping[str, Mapping[str, Any]]) -> str:
    """How long they took to build and to simulate."""
    lines = []
    for row in ROWS:
        result = results.get(row.name)
        if not result or "refused" in result:
            continue
        planned = result.get("plan_processor_seconds")
        commit = result.get("commit")
        line = (
            f"- {row.name}{f', at {commit}' if commit else ''}: "
            f"{f'planned in {planned} s of a processor, ' if planned else ''}built in "
            f"{result['build_processor_seconds']} s of a processor, with {result['build_megabytes']:,} MB"
        )
        if seen := result.get("simulated"):
            line += (
                f"; {seen['layers']} layers, {seen['frames']} frames each in both runs: {seen['cycles']:,} cycles "
                f"simulated in {seen['seconds']} s, after {seen['build_seconds']} s of compiling"
            )
        lines.append(f"{line}.")
    return "\n".join(lines) + "\n" if lines else ""
