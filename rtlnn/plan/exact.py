"""The cheapest choice of options, with a bound: an integer program, solved by OR-Tools' CP-SAT.

A multiple-choice knapsack: one option of every layer, the sum of their amounts within the budget. What lies between
layers is left out, so that its bound holds for whole designs, too. One worker, a fixed seed and a limit that counts
the solver's steps in place of time: the same result on any machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from rtlnn.plan.amounts import Vector, cost_of
from rtlnn.plan.front import Choices, undominated

__all__ = ["Optimum", "solve", "solver_of"]

_SEED = 1
_GAP = 1e-3
"""Part of the cost that is not worth the search."""
_UNIT = 1 << 12
"""Prices are rounded down to this many: the solver's sums stay small, and the bound a bound."""


@dataclass(frozen=True)
class Optimum:
    """What was found.

    Parameters
    ----------
    chosen : the number of each layer's option; None if none was found
    bound : no choice within the budget costs less
    impossible : whether it is proved that no choice keeps to the budget
    """

    chosen: tuple[int, ...] | None
    bound: int
    impossible: bool


def solve(choices: Sequence[Choices], prices: Vector, allowed: Vector, effort: float) -> Optimum:
    """The cheapest options at `prices` that together take no more than `allowed`.

    `effort` limits the search, in the solver's deterministic time: about seconds.
    """
    model = cp_model.CpModel()
    rows: list[list[int]] = []
    picked: list[list[cp_model.IntVar]] = []
    terms: list[cp_model.IntVar] = []
    vectors: list[Vector] = []
    for n, found in enumerate(choices):
        kept = undominated(found.amounts)
        taken = [model.new_bool_var(f"{n}_{k}") for k in kept]
        model.add_exactly_one(taken)
        rows.append(kept)
        picked.append(taken)
        terms += taken
        vectors += [found.options[k].vector for k in kept]
    for resource, most in enumerate(allowed):
        amounts = [v[resource] for v in vectors]
        if any(amounts):
            model.add(cp_model.LinearExpr.weighted_sum(terms, amounts) <= most)
    costs = [cost_of(v, prices) // _UNIT for v in vectors]
    model.minimize(cp_model.LinearExpr.weighted_sum(terms, costs))
    solver = solver_of(effort)
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return Optimum(None, 0, True)
    bound = int(solver.best_objective_bound) * _UNIT
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Optimum(None, bound, False)
    chosen = (
        next(k for k, variable in zip(kept, taken, strict=True) if solver.boolean_value(variable))
        for kept, taken in zip(rows, picked, strict=True)
    )
    return Optimum(tuple(chosen), bound, False)


def solver_of(effort: float) -> cp_model.CpSolver:
    """A solver that finds the same on any machine; `effort` limits its deterministic time, about seconds."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = _SEED
    solver.parameters.max_deterministic_time = effort
    solver.parameters.relative_gap_limit = _GAP
    return solver
