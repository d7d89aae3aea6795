"""Kernels with a packed array, whole: chosen by the plan from the weights, fed from memories."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.names import SEPARATOR
from rtlnn.emit.netlist import Stage
from rtlnn.emit.primitives import simulation_models
from rtlnn.errors import CheckFailed
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.mac_column import Accumulation
from rtlnn.layers.mac_packed import PackedMacConfig, Sharing
from rtlnn.ops import Window
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.tasks import tasks_of
from tests.hardware import Design
from tests.integer_graphs import Builder

Rng = np.random.Generator


def _design(builder: Builder, folding: Folding, folder: Path) -> Design:
    """The only kernel of a graph, packed."""
    (task,) = tasks_of(builder.graph())
    stage = Candidate(task, folding, Arithmetic.DSP48E2)
    design = Design.of([Stage("kernel", stage.kernel, stage.contents())], folder)
    models = {"DSP48E2": simulation_models("DSP48E2")["sim/DSP48E2.v"]}
    return replace(design, netlist=replace(design.netlist, modules={**design.netlist.modules, **models}))


def _check(design: Design, builder: Builder, frames: Array) -> PackedMacConfig:
    graph = builder.graph()
    design.check(frames, graph.evaluate(frames)[graph.outputs[0]])
    layer = design.stages[0].layer
    assert isinstance(layer, KernelConfig)
    assert isinstance(layer.array, PackedMacConfig)
    return layer.array


def test_hardware_at_the_extremes(rng: Rng, tmp_path: Path) -> None:
    """Weights of -128 and 127 in every pair, chains of different length, an odd number of channels, many resets."""
    weights = rng.choice([-128, -127, -1, 0, 127], (11, 28), p=[0.4, 0.1, 0.05, 0.05, 0.4])
    weights[:6] = np.array([[-128, -128], [127, -128], [127, 127]]).repeat(14, 1).reshape(6, 14).repeat(2, 1)
    builder = Builder(rng, (1, 1, 28)).dense(11, 8, weights, np.zeros(1))
    frames = rng.choice([0, 1, 128, 255], (12, 1, 1, 28), p=[0.1, 0.1, 0.2, 0.6])
    frames[:3] = 255
    design = _design(builder, Folding(3, 11, (1, 1)), tmp_path)
    array = _check(design, builder, frames)
    assert (array.spacing, array.lengths, array.accumulation) == (18, (6, 5), Accumulation.FABRIC)
    assert list(array.parts) == ["pair", "single"]
    expected = builder.graph().evaluate(frames)[builder.value]
    core = design.core()
    for cycle in range(1, 60):
        core.run(frames, reset_at=cycle).check(expected)


def test_small_weights_accumulate_in_the_slices(rng: Rng, tmp_path: Path) -> None:
    """A convolution whose sums fit their lanes as a whole; every pass waits for pixels now and then."""
    weights = rng.integers(-12, 13, (4, 3, 3, 5))
    builder = Builder(rng, (5, 4, 5)).conv(4, Window((3, 3), pads=(1, 0, 0, 1)), 6, weights).requantize()
    array = _check(_design(builder, Folding(4, 3, (3, 1)), tmp_path), builder, builder.frames(5))
    assert (array.lengths, array.accumulation) == ((9,), Accumulation.SLICE)


def test_halves_of_a_slice_add_up_both_sums(rng: Rng, tmp_path: Path) -> None:
    """Passes that wait for pixels now and then, two chains a column; a carry between the halves is found."""
    weights = rng.choice([-128, -127, 0, 127], (3, 3, 2, 5))
    builder = Builder(rng, (5, 4, 5)).conv(3, Window((3, 2), pads=(1, 0, 0, 1)), 8, weights)
    folding = Folding(3, 3, (3, 1), chain=5, accumulation=Accumulation.DUAL)
    design, frames = _design(builder, folding, tmp_path), builder.frames(5)
    array = _check(design, builder, frames)
    assert (array.lengths, array.accumulation, array.resources.dsp) == ((5, 4), Accumulation.DUAL, 19)
    expected = builder.graph().evaluate(frames)[builder.value]
    core = design.core()
    for cycle in range(20, 45):
        core.run(frames, reset_at=cycle).check(expected)
    pair = "kernel" + SEPARATOR + "pair"
    (name,) = (name for name in design.netlist.modules if name.endswith(pair))
    assert "TWO24" in design.netlist.modules[name]
    carried = design.netlist.modules | {name: design.netlist.modules[name].replace("TWO24", "ONE48")}
    with pytest.raises(CheckFailed, match="values are wrong"):
        _check(replace(design, netlist=replace(design.netlist, modules=carried)), builder, frames)


def test_two_positions_share_the_weights_of_an_odd_channel(rng: Rng, tmp_path: Path) -> None:
    weights = rng.integers(-128, 128, (3, 2, 2, 3))
    folding = Folding(3, 2, (2, 1), positions=(1, 2))
    builder = Builder(rng, (4, 4, 3)).conv(3, Window((2, 2), pads=(1, 1, 0, 0)), 8, weights).requantize()
    array = _check(_design(builder, folding, tmp_path), builder, builder.frames(5))
    assert (array.sharing, array.positions, array.resources.dsp) == (Sharing.POSITIONS, 2, 3 * 4)


def test_hardware_with_wide_operands(rng: Rng, tmp_path: Path) -> None:
    """16 bits leave room for ternary weights to be packed, and take a slice for each product of wide ones."""
    window, ends = Window((2, 1)), [-(1 << 15), (1 << 15) - 1, 3]
    frames = rng.choice(ends, (6, 3, 2, 7))
    for bits, values, sharing in ((2, [-2, 1], Sharing.CHANNELS), (12, [-2048, 2047], Sharing.NONE)):
        weights = rng.choice(values, (5, 2, 1, 7))
        builder = Builder(rng, (3, 2, 7), 16, True).conv(5, window, bits, weights, np.zeros(1)).requantize(8, True)
        array = _check(_design(builder, Folding(5, 7, (1, 1)), tmp_path), builder, frames)
        assert (array.sharing, array.accumulation) == (sharing, Accumulation.SLICE)


def test_hardware_with_a_shared_memory(rng: Rng, tmp_path: Path) -> None:
    """What does not fill the block RAMs of four slices lies in one more, and comes as late as each slice."""
    builder = Builder(rng, (1, 1, 68)).dense(24, 8).requantize()
    design = _design(builder, Folding(6, 4, (1, 1)), tmp_path)
    layer = design.stages[0].layer
    assert isinstance(layer, KernelConfig)
    sizes = {port.name: port.width for port in layer.memories}
    assert {name: sizes[name] for name in sizes if name.startswith("weight")} == {
        "weight0": 36, "weight1": 36, "weight2": 36, "weight3": 36, "weight_rest": 48,
    }  # fmt: skip
    assert _check(design, builder, builder.frames(5)).lengths == (4,)
