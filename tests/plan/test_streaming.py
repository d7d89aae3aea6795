"""Which weights are streamed, how they share the memory, and what is said where it is too slow."""

import math

import numpy as np
import pytest

from rtlnn.designing import designed
from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.streamed import StreamedConfig
from rtlnn.ops import Window
from rtlnn.options import Options
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.bounds import Bound, bounds_of
from rtlnn.plan.candidate import Candidate
from rtlnn.plan.folding import Folding
from rtlnn.plan.goal import Budget
from rtlnn.plan.schedule import schedule_circuit
from rtlnn.plan.streaming import NO_STREAMING, ExternalMemory, streaming_of
from rtlnn.plan.tasks import Task, tasks_of
from tests.integer_graphs import Builder
from tests.onnx_models import Model

Rng = np.random.Generator
SIZES = 64, 128, 96, 10
"""Bytes of weights: 8192, 12288, 960."""


def _mlp(rng: Rng) -> Graph:
    builder = Builder(rng, (1, 1, SIZES[0]))
    for size in SIZES[1:]:
        builder = builder.dense(size, 8).requantize()
    return builder.graph()


@pytest.fixture
def tasks(rng: Rng) -> list[Task]:
    return tasks_of(_mlp(rng), pools=True)


def _room(bram36: float) -> Budget:
    return Budget(1e6, 2e6, 1000, bram36, 0)


def test_channels_are_shared_by_bytes() -> None:
    """The largest layers choose first; all layers of a channel take as long as all their bytes."""
    memory = ExternalMemory((10.0, 10.0))
    assert memory.share([5, 30, 20, 10]) == [(0, 3.5), (0, 3.5), (1, 3.0), (1, 3.0)]
    assert memory.cycles([5, 30, 20, 10]) == 3.5
    assert ExternalMemory((10.0, 40.0)).share([30, 8]) == [(1, 0.75), (0, 0.8)]
    assert ExternalMemory((100.0,), port=10).share([30, 70]) == [(0, 3.0), (0, 7.0)]


def test_as_many_layers_as_do_not_fit(tasks: list[Task]) -> None:
    memory = ExternalMemory((64.0,))
    names = [task.name for task in tasks]
    assert streaming_of(tasks, memory, _room(10), None) == NO_STREAMING
    assert streaming_of(tasks, memory, _room(2.5), None).layers == {names[1]}
    assert streaming_of(tasks, memory, _room(1), None).layers == set(names[:2])
    assert streaming_of(tasks, None, _room(1), None) == NO_STREAMING
    asked = ExternalMemory((64.0,), layers=(names[2],))
    assert streaming_of(tasks, asked, _room(10), None).layers == {names[2]}


def test_batches_are_as_small_as_the_target_allows(tasks: list[Task]) -> None:
    memory = ExternalMemory((64.0,), batch=12)
    slowest = (8192 + 12288) / 64
    for interval, batch in ((slowest, 1), (slowest - 1, 2), (slowest / 4, 4), (slowest / 8, 8)):
        found = streaming_of(tasks, memory, _room(1), int(interval))
        assert (found.batch, found.cycles) == (batch, math.ceil(slowest / batch))
    assert streaming_of(tasks, memory, _room(1), None).batch == 8
    with pytest.raises(InputError, match=r"\(--batch 16\), or an interval of 40"):
        streaming_of(tasks, memory, _room(1), 39)


def test_layers_that_cannot_be_streamed(tasks: list[Task]) -> None:
    with pytest.raises(InputError, match="cannot be streamed; those of dense layers can"):
        streaming_of(tasks, ExternalMemory((64.0,), layers=("nobody",)), _room(1), None)


def test_what_bounds_a_layer(rng: Rng) -> None:
    """The memory, where its rate makes a layer slower than its arithmetic: never both in turn."""
    graph = _mlp(rng)
    tasks = tasks_of(graph)
    foldings = [Folding(pe, lanes, (1, 1), stream=1) for pe, lanes in ((4, 16), (4, 16), (2, 6))]
    options = [Candidate(task, f, Arithmetic.DSP48E2) for task, f in zip(tasks, foldings, strict=True)]
    arithmetic = 24 * 8  # passes and steps of the slowest layer
    for rate, bound in ((128.0, Bound.ARITHMETIC), (32.0, Bound.BANDWIDTH)):
        circuit = Assembly(graph, tasks, memory=ExternalMemory((rate,))).circuit(options)
        streams = iter(circuit.weights)
        found = [bounds_of(o.layer, next(streams) if o.layer.streamed else None) for o in options]
        assert max(found[1], key=lambda name: found[1][name]) is bound
        sent = sum(o.layer.weight_bytes for o in options if isinstance(o.layer, StreamedConfig))
        expected = max(arithmetic, sent / rate)
        assert expected <= schedule_circuit(circuit).interval <= expected + 2, rate


def test_a_convolution_of_one_pixel_is_not_streamed(rng: Rng) -> None:
    """Its window reads padding."""
    (task,) = tasks_of(Builder(rng, (1, 1, 4)).conv(3, Window((3, 3), pads=(1, 1, 1, 1)), 8).graph())
    with pytest.raises(InputError, match="cannot be streamed; those of dense layers can: none"):
        streaming_of([task], ExternalMemory((8.0,), layers=(task.name,)), _room(100), None)


def test_queues_beside_batches(rng: Rng) -> None:
    """A residual sum, one branch of which has its weights streamed for several frames: the other one waits for it."""
    size = 7
    model = Model(["N", size]).add("Gemm", np.float32(rng.normal(size=(size, size))), name="a", transB=1).add("Relu")
    other = model.last
    model.add("Gemm", np.float32(rng.normal(size=(size, size))), name="b", transB=1).add("Relu").add("Add", other)
    options = Options("vu9p", rng.normal(size=(16, size)), stream=("b",), batch=8)
    design, _ = designed(model.build(["N", size]), options, lambda step: None)
    assert design.circuit.batch == 8
    assert design.schedule.complete
