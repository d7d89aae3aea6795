"""The benchmark networks are what their authors describe."""

import numpy as np
import onnx
import pytest

from benchmarks.networks import NETWORKS
from benchmarks.networks.model import float_model, images
from benchmarks.networks.topology import Convolution, MaxPool, Padding, Topology
from rtlnn.load import load_network
from rtlnn.ops import Requantize
from rtlnn.plan.tasks import tasks_of
from tests.onnx_models import run

PUBLISHED = {
    "dense 784×256": (200_704, 200_704),
    "MLP 784-256-10": (203_264, 203_264),
    "LeNet": (430_500, 2_293_000),  # "430 k weights, 2.29 M MAC"
    "TensorFlow CIFAR CNN": (1_067_584, 18_470_784),  # "1.07 M weights, 18.5 M MAC"
}
"""Weights and multiplications."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts_are_the_published_ones(name: str) -> None:
    topology = NETWORKS[name].topology
    assert (topology.weights, topology.macs) == PUBLISHED[name]


def test_svhn_layers_are_the_published_ones() -> None:
    shapes = [after for layer, _, after in NETWORKS["SVHN CNN"].topology.shapes() if isinstance(layer, MaxPool)]
    assert shapes == [(15, 15, 16), (6, 6, 16), (2, 2, 24)]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_hardware_gets_all_of_it(name: str) -> None:
    """The graph that is planned has the topology's weights, shapes and bits."""
    network = NETWORKS[name]
    core = load_network(network.model()).core
    tasks = [task for task in tasks_of(core) if task.weights is not None]
    assert sum(task.weights.size for task in tasks) == network.topology.weights
    hidden = [n.output for n in core.nodes if isinstance(n.op, Requantize) and n.output not in core.outputs]
    assert all(core.types[v].fixed.bits == network.bits for v in hidden)
    assert all(task.weight_format.bits == network.bits for task in tasks)
    assert core.types[core.outputs[0]].shape == list(network.topology.shapes())[-1][2]


def test_same_padding_is_tensorflows() -> None:
    """ceil(size / stride) rows, and the odd pixel of padding behind the image."""
    topology = Topology((5, 4, 1), (Convolution(1, 2, Padding.SAME), MaxPool(3, 2, Padding.SAME)))
    assert [after for _, _, after in topology.shapes()] == [(5, 4, 1), (3, 2, 1)]
    model = float_model(topology, "padded", 1)
    pads = [list(a.ints) for n in model.graph.node for a in n.attribute if a.name == "pads"]
    assert pads == [[0, 0, 1, 1], [1, 0, 1, 1]]


def test_models_are_valid_and_the_same_every_time() -> None:
    network = NETWORKS["SVHN CNN"]
    model = float_model(network.topology, network.name, network.seed)
    onnx.checker.check_model(model, full_check=True)
    scores = run(model, images(network.topology.input, 4, 3))
    assert scores.shape == (4, 10)
    assert np.ptp(scores, axis=0).min() > 0
    assert network.model().SerializeToString(deterministic=True) == network.model().SerializeToString(
        deterministic=True
    )
