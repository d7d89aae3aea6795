"""Chips of several dies: layers where there is room, registers between, and every cycle still known."""

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.crossing import CrossingConfig
from rtlnn.ops import Window
from rtlnn.plan.amounts import resources
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.costs import Costs
from rtlnn.plan.dies import Dies, on_dies
from rtlnn.plan.folding import Folding
from rtlnn.plan.front import fronts_of
from rtlnn.plan.goal import Budget
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.tasks import tasks_of
from tests.cli.models import save_inputs, save_small
from tests.hardware import branches
from tests.integer_graphs import Builder

Rng = np.random.Generator
SAME = Window((3, 3), pads=(1, 1, 1, 1))


def _skip(rng: Rng) -> tuple[Builder, Graph]:
    b = Builder(rng, (6, 7, 2)).conv(4, SAME).requantize()
    middle = b.value
    b.conv(4, SAME).requantize().plus(middle).requantize()
    return b, b.graph(narrowed=False)


def test_bits_and_cycles_across_borders(rng: Rng, tmp_path: Path) -> None:
    """Over two borders, and back; wider behind one, narrower behind another, with a queue and without."""
    b, graph = _skip(rng)
    sizes = [Folding(4, 2, (3, 3)), Folding(2, 1, (3, 3)), 4]
    _, depths = branches(graph, sizes, b.frames(4), tmp_path, dies=[0, 2, 1])
    assert any(depths.values())


def _dies(total: Budget, parts: tuple[float, ...]) -> Dies:
    budgets = (Budget(*(part * amount for amount in astuple(total))) for part in parts)
    return Dies(tuple(f"SLR{n}" for n in range(len(parts))), tuple(budgets))


def test_layers_go_where_there_is_room(rng: Rng) -> None:
    _, graph = _skip(rng)
    tasks = tasks_of(graph)
    options = [front.candidates[len(front.candidates) // 2] for front in fronts_of(tasks, Arithmetic.DSP48E2)]
    assembly = Assembly(graph, tasks)
    costs = Costs(assembly)
    used = costs.total(options)
    roomy = Budget(used.lut + 400, used.ff + 400, used.dsp, used.bram36 + 1, used.uram)
    assert _dies(roomy, (1.0, 1.0)).place(assembly, options, costs) == {}
    dies = _dies(roomy, (0.2, 0.75, 0.75))
    places = dies.place(assembly, options, costs)
    assert places
    assert places == dies.place(assembly, options, costs)
    circuit = assembly.on(places).circuit(options)
    assert dies.shortfalls(circuit) == []
    assert resources((0, 0, 0, 0, 0)) not in on_dies(circuit, 3)[1:]
    for stage, taps in zip(circuit.stages, circuit.sources, strict=True):
        ends = {circuit.stages[tap.stage].dies[-1] for tap in taps if tap.stage >= 0}
        assert ends <= {stage.dies[0]}
        assert len(stage.dies) == 1 or isinstance(stage.layer, CrossingConfig)
    assert _dies(roomy, (0.2, 0.3, 0.3)).place(assembly, options, costs) is None
    # what came to be larger has less room the next time
    tight = _dies(roomy, (0.1, 0.4, 0.4))
    assert tight.shortfalls(circuit)
    assert dies.without(tight, circuit).budgets[1].dsp <= dies.budgets[1].dsp


PLATFORM = """\
name: dice
description: a chip of two small dies
part: xcvu9p-flga2104-2L-e
clock_mhz: 300
arithmetic: DSP48E2
slrs:
  - {{name: SLR0, lut: {lut}, ff: 20000, dsp: 100, bram36: 20, uram: 0}}
  - {{name: SLR1, lut: {lut}, ff: 20000, dsp: 100, bram36: 20, uram: 0}}
source: a test
"""


def test_a_build_on_two_dies(tmp_path: Path) -> None:
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    platform = tmp_path / "dice.yaml"
    options = rtlnn.Options(platform=platform, calibration=tmp_path / "data.npy", target_interval=400)
    platform.write_text(PLATFORM.format(lut=100_000))
    whole = rtlnn.estimate(tmp_path / "model.onnx", options)
    assert whole["dies"] == []
    platform.write_text(PLATFORM.format(lut=700))
    report = rtlnn.build(tmp_path / "model.onnx", tmp_path / "two", options)
    assert {layer["die"] for layer in report["layers"]} == {"SLR0", "SLR1"}
    assert all(die["lut"] for die in report["dies"])
    script = (tmp_path / "two/vivado/dies.tcl").read_text()
    assert "_crossing/die1 SLR" in script
    plan = tmp_path / "two/plan.json"
    given = rtlnn.Options(platform=platform, calibration=tmp_path / "data.npy", plan=plan)
    assert {**rtlnn.estimate(tmp_path / "model.onnx", given), "bound": report["bound"]} == report
    data = json.loads(plan.read_text())
    data["layers"][0]["die"] = 2
    plan.write_text(json.dumps(data))
    with pytest.raises(InputError, match="die 2 is none of the platform's 2 dies"):
        rtlnn.estimate(tmp_path / "model.onnx", given)
    # a die is missing
    del data["layers"][0]["die"]
    plan.write_text(json.dumps(data))
    with pytest.raises(InputError, match="die is missing; give all layers one, or none"):
        _ = HardwarePlan.load(plan).dies


def test_a_layer_that_is_larger_than_a_die(tmp_path: Path) -> None:
    save_small(tmp_path / "model.onnx")
    save_inputs(tmp_path / "data.npy")
    platform = tmp_path / "dice.yaml"
    platform.write_text(PLATFORM.format(lut=100_000).replace("dsp: 100", "dsp: 20"))
    options = rtlnn.Options(platform=platform, calibration=tmp_path / "data.npy", target_interval=16)
    report = rtlnn.estimate(tmp_path / "model.onnx", options)
    assert report["interval_cycles"] == 16
    assert report["dies"] == []
    assert "left to the vendor's tools" in report["notes"][-1]
