"""Which layer is on which die of a chip that has several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ortools.sat.python import cp_model

from rtlnn.layers.circuit import Circuit
from rtlnn.layers.component import Resources
from rtlnn.plan.amounts import NAMES as _NAMES
from rtlnn.plan.amounts import Vector, minus, plus, vector
from rtlnn.plan.assembly import Assembly, stage_resources
from rtlnn.plan.costs import Costs
from rtlnn.plan.exact import solver_of
from rtlnn.plan.goal import Budget, allowed_of
from rtlnn.plan.option import Option

__all__ = ["Dies", "on_dies"]

_EFFORT = 2.0
"""Of the solver, in seconds of its deterministic time."""


@dataclass(frozen=True)
class Dies:
    """The dies of a chip in a row, each with its name and what a design may take of it."""

    names: tuple[str, ...]
    budgets: tuple[Budget, ...]

    @classmethod
    def of(cls, regions: Mapping[str, Resources], budget: Budget, utilization: float) -> "Dies":
        """Each as full as `utilization` says, and fuller only where the `budget` for all of them is."""
        free = sum(regions.values(), Resources())
        parts = {n: max(utilization, getattr(budget, n) / max(getattr(free, n), 1e-9)) for n in _NAMES}
        budgets = (
            Budget(**{n: part * getattr(amounts, n) for n, part in parts.items()}) for amounts in regions.values()
        )
        return cls(tuple(regions), tuple(budgets))

    @property
    def largest(self) -> Vector:
        """The most of each resource that any die has: more is for no layer."""
        lut, ff, dsp, bram36, uram = (max(column) for column in zip(*map(allowed_of, self.budgets), strict=True))
        return lut, ff, dsp, bram36, uram

    @property
    def together(self) -> Budget:
        """What all of them have."""
        return Budget(**{n: sum(getattr(budget, n) for budget in self.budgets) for n in _NAMES})

    def shortfalls(self, circuit: Circuit) -> list[str]:
        """What is exceeded where, in words; nothing where the circuit's stages have no dies."""
        found = []
        for name, budget, used in zip(self.names, self.budgets, on_dies(circuit, len(self.names)), strict=True):
            found += [f"{text} in {name}" for text in budget.shortfalls(used)]
        return found

    def place(self, assembly: Assembly, options: Sequence[Option], costs: Costs) -> dict[str, int] | None:
        """The number of each layer's die, by name; none if one die can hold all; None if nothing fits.

        An integer program, solved by CP-SAT: as few bits as possible between dies, those that pass a die counted twice.
        """
        total = vector(costs.total(options))
        if any(_fits(total, allowed_of(budget)) for budget in self.budgets):
            return {}
        model = cp_model.CpModel()
        on = [[model.new_bool_var(f"{n}_{d}") for d in range(len(self.names))] for n in range(len(options))]
        places = []
        for n, row in enumerate(on):
            model.add_exactly_one(row)
            places.append(model.new_int_var(0, len(row) - 1, f"die{n}"))
            model.add(places[-1] == sum(d * variable for d, variable in enumerate(row)))
        amounts = _amounts(assembly, options, costs)
        for die, budget in enumerate(self.budgets):
            for resource, most in enumerate(allowed_of(budget)):
                terms = [amount[resource] * on[n][die] for n, amount in enumerate(amounts) if amount[resource]]
                model.add(sum(terms) <= most)
        wires = []
        for maker, reader, width in _streams(assembly, options):
            apart = model.new_int_var(0, len(self.names) - 1, f"{maker}_{reader}")
            model.add(apart >= places[maker] - places[reader])
            model.add(apart >= places[reader] - places[maker])
            wires.append(width * apart)
        model.minimize(sum(wires))
        solver = solver_of(_EFFORT)
        if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        return {option.task.name: solver.value(place) for option, place in zip(options, places, strict=True)}

    def without(self, true: "Dies", circuit: Circuit) -> "Dies":
        """With less room where the circuit has come to take more than in the `true` ones: as much less."""
        budgets = []
        for planned, budget, used in zip(self.budgets, true.budgets, on_dies(circuit, len(self.names)), strict=True):
            excess = {name: max(0.0, getattr(used, name) - getattr(budget, name)) for name in _NAMES}
            budgets.append(replace(planned, **{n: max(getattr(planned, n) - a, 0.0) for n, a in excess.items()}))
        return replace(self, budgets=tuple(budgets))


def on_dies(circuit: Circuit, count: int) -> list[Resources]:
    """What each die holds; a crossing is counted where it ends, with its queue."""
    found = [Resources()] * count
    for stage in circuit.stages:
        if stage.dies:
            found[stage.dies[-1]] += stage_resources(stage)
    return found


def _fits(amounts: Vector, allowed: Vector) -> bool:
    return all(a <= most for a, most in zip(amounts, allowed, strict=True))


def _amounts(assembly: Assembly, options: Sequence[Option], costs: Costs) -> list[Vector]:
    """Of each layer, with what lies in front of it; what is left of the whole is shared equally."""
    makers = {option.task.result: option for option in options}
    found = []
    for option in options:
        amount = option.vector
        for value, target in zip(option.task.sources, option.inputs, strict=True):
            if value in makers:
                amount = plus(amount, costs.between(makers[value].outputs[0], target))
        found.append(amount)
    rest = vector(costs.total(options))
    for amount in found:
        rest = minus(rest, amount)
    share = [-(-max(r, 0) // len(found)) for r in rest]
    lut, ff, dsp, bram36, uram = share
    return [plus(amount, (lut, ff, dsp, bram36, uram)) for amount in found]


def _streams(assembly: Assembly, options: Sequence[Option]) -> list[tuple[int, int, int]]:
    """Number of the maker, number of the reader, and bits of a beat where there are fewer."""
    makers = {option.task.result: n for n, option in enumerate(options)}
    found = []
    for n, option in enumerate(options):
        for value, target in zip(option.task.sources, option.inputs, strict=True):
            if value in makers:
                width = min(target.width, options[makers[value]].outputs[0].width)
                found.append((makers[value], n, width + 3))
    return found
