"""The checks of kernels find what they are there for: each fault planted here makes them fail."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.emit.netlist import Stage
from rtlnn.errors import CheckFailed
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array
from rtlnn.layers import kernel as kernel_module
from rtlnn.layers.kernel import KernelConfig
from rtlnn.layers.line_buffer import LineBuffer
from rtlnn.layers.requantizer import RequantizeConfig
from rtlnn.layers.window import WindowConfig
from rtlnn.ops import Precision, Requantize, Window
from rtlnn.plan.folding import Folding
from tests.hardware import Design, kernel, stages_of
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator
EXCESS = 4
FOLDING = Folding(2, 2, (1, 1), slots=2)


def _kernel(stage: Stage) -> KernelConfig:
    assert isinstance(stage.layer, KernelConfig)
    return stage.layer


@pytest.fixture
def network(rng: Rng) -> tuple[Graph, Array]:
    builder = Builder(rng, (5, 4, 2)).conv(4, Window((3, 3), pads=(1, 1, 1, 1))).requantize(signed=True)
    return builder.graph(), builder.frames(4)


def _wrong_weight_bit(stage: Stage) -> Stage:
    words = list(stage.contents["weight"])
    words[5] ^= 1 << 15  # the sign of a weight
    return replace(stage, contents={**stage.contents, "weight": words})


def _wrong_parameter_bit(stage: Stage) -> Stage:
    words = list(stage.contents["parameter"])
    words[1] ^= 1 << _kernel(stage).array.acc_bits + 22  # in the multiplier
    return replace(stage, contents={**stage.contents, "parameter": words})


def _shifted_padding(stage: Stage) -> Stage:
    window = _kernel(stage).window
    moved = replace(window, window=replace(window.window, pads=(0, 1, 2, 1)))
    return replace(stage, layer=replace(_kernel(stage), window=moved))


def _wrong_padding(stage: Stage) -> Stage:
    window = replace(_kernel(stage).window, pad_value=1)
    return replace(stage, layer=replace(_kernel(stage), window=window))


@pytest.mark.parametrize("fault", [_wrong_weight_bit, _wrong_parameter_bit, _shifted_padding, _wrong_padding])
def test_wrong_bits_are_found(fault: Callable[[Stage], Stage], network: tuple[Graph, Array], tmp_path: Path) -> None:
    graph, frames = network
    with pytest.raises(CheckFailed, match=r"no stalls, seed 0: .* values are wrong"):
        kernel(graph, FOLDING, frames, tmp_path, fault)


def test_a_single_rounding_is_found(rng: Rng, tmp_path: Path) -> None:
    """Sums that float32 arithmetic rounds to a tie, and then to even; the hardware is told to round only once."""
    multiplier, shift = np.array([14958218]), np.array([36])
    builder = Builder(rng, (8, 4, 1), 20, True).requantize_by(fixed(8, True), multiplier, shift)
    graph = builder.graph()
    op = graph.nodes[0].op
    assert isinstance(op, Requantize)
    sums = np.arange(-(1 << 19), 1 << 19).reshape(-1, 1, 1, 1)
    twice = op.evaluate(sums, multiplier, shift)
    sums = sums[twice != replace(op, precision=Precision.FAST).evaluate(sums, multiplier, shift)]

    def once(stage: Stage) -> Stage:
        finish = _kernel(stage).finish
        assert isinstance(finish, RequantizeConfig)
        return replace(stage, layer=replace(_kernel(stage), finish=replace(finish, float32=False)))

    with pytest.raises(CheckFailed, match="64 of 64 values are wrong"):
        kernel(graph, Folding(1, 1, (1, 1)), np.resize(sums, (2, 8, 4, 1)), tmp_path, once)


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that start passes for which their queue has no room."""

    class Careless(LineBuffer):
        def __init__(self, config: WindowConfig, credits: int) -> None:
            super().__init__(config, credits + EXCESS)

    monkeypatch.setattr(kernel_module, "LineBuffer", Careless)


@pytest.mark.usefixtures("careless")
def test_a_dropped_stall_is_found(network: tuple[Graph, Array], tmp_path: Path) -> None:
    """Nothing is lost while results leave as they come, and beats are on time: only a sink that stalls shows it."""
    graph, frames = network
    stages = stages_of(graph, [FOLDING])
    as_if = replace(_kernel(stages[0]), slots=_kernel(stages[0]).slots + EXCESS)
    with pytest.raises(CheckFailed, match=r"dut, (sink stalls|stalls \d on both sides)"):
        Design.of(stages, tmp_path).check(frames, graph.evaluate(frames)[graph.outputs[0]], timing=[as_if])


def test_a_lost_tlast_is_found(network: tuple[Graph, Array], tmp_path: Path) -> None:
    graph, frames = network
    design = Design.of(stages_of(graph, [FOLDING]), tmp_path)
    connected = ".o__tlast(m_axis_tlast)"
    assert connected in design.netlist.modules["dut"]
    top = design.netlist.modules["dut"].replace(connected, ".o__tlast()")
    modules = {**design.netlist.modules, "dut": top}
    broken = replace(design, netlist=replace(design.netlist, modules=modules))
    with pytest.raises(CheckFailed, match="tlast missing at the end of a frame"):
        broken.check(frames, graph.evaluate(frames)[graph.outputs[0]])


def test_a_pass_that_starts_late_is_found(network: tuple[Graph, Array], tmp_path: Path) -> None:
    """The schedule of a kernel with room for more passes than the hardware has."""
    graph, frames = network
    (planned,) = stages_of(graph, [replace(FOLDING, slots=3, rows=6)])
    (built,) = stages_of(graph, [replace(FOLDING, slots=1, rows=6)])
    with pytest.raises(CheckFailed, match=r"no stalls: (input|output) beat"):
        Design.of([built], tmp_path).check(frames, graph.evaluate(frames)[graph.outputs[0]], timing=[planned.layer])
