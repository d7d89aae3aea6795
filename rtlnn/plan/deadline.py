"""How fast each layer has to be for a latency: layers behind slow ones have to be faster than the interval asks for."""

from collections.abc import Sequence

from ortools.linear_solver import pywraplp

from rtlnn.plan.front import Front
from rtlnn.plan.option import Option
from rtlnn.plan.pace import Burst, Pace, Times, bursts_of, last_output

__all__ = ["latency_by_sums", "paces_for"]


def latency_by_sums(chosen: Sequence[Option], sources: Sequence[Sequence[int]]) -> float:
    """By `last_output`: quick, and close to the exact schedule."""
    pace = _pace(chosen)
    return last_output([option.pace(pace, option.cycles) for option in chosen], sources)


def paces_for(
    chosen: Sequence[Option], fronts: Sequence[Front], sources: Sequence[Sequence[int]], interval: int, latency: float
) -> list[int] | None:
    """The most cycles that each layer may take, so that all together need the fewest multipliers; None if none do.

    A linear program: the times of `last_output` as inequalities, and multipliers as a convex function of cycles. The
    windows, and the pace at which frames pass, are those of the `chosen` options.

    Parameters
    ----------
    chosen, fronts : of each layer
    sources : of each layer, the numbers of those from which it reads, which come before it
    interval : no layer may take more cycles
    latency : of the whole, by `latency_by_sums`
    """
    whole = _pace(chosen)
    solver = pywraplp.Solver.CreateSolver("GLOP")
    times: list[Times[pywraplp.Variable]] = []
    bursts: list[list[Burst[pywraplp.Variable]]] = []
    cost, cycles = [], []
    for option, front, before in zip(chosen, fronts, sources, strict=True):
        speeds = front.speeds(interval)
        paces = [option.pace(whole, fast) for fast, _ in speeds]
        parts = [solver.NumVar(0, 1, "") for _ in speeds]
        solver.Add(solver.Sum(parts) == 1)
        cycles.append(solver.Sum([part * fast for part, (fast, _) in zip(parts, speeds, strict=True)]))
        cost += [part * multipliers for part, (_, multipliers) in zip(parts, speeds, strict=True)]
        begin, end = (solver.NumVar(0, latency, "") for _ in range(2))
        first, tail = (solver.Sum([p * a for p, a in zip(parts, of, strict=True)]) for of in _amounts(paces))
        solver.Add(begin >= first)
        solver.Add(end >= begin + cycles[-1])
        for began, ended in (times[n] for n in before):
            solver.Add(begin >= began + paces[0].waits * (ended - began) + first)
            solver.Add(end >= ended + tail)
        bursts.append(bursts_of(paces[0], [times[n] for n in before], [bursts[n] for n in before]))
        for (began, ended), waits, part in bursts[-1]:
            solver.Add(end >= began + waits * (ended - began) + part * cycles[-1])
        times.append((begin, end))
    solver.Minimize(solver.Sum(cost))
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return None
    # to the next whole number: often it is the very pace of a folding
    return [round(layer.solution_value()) for layer in cycles]


def _pace(chosen: Sequence[Option]) -> int:
    return max(option.cycles for option in chosen)


def _amounts(paces: Sequence[Pace]) -> tuple[list[float], list[float]]:
    return [pace.first for pace in paces], [pace.tail for pace in paces]
