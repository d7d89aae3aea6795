"""The large topologies are what their authors published, and are read and quantized as they are."""

import numpy as np
import onnx
import onnxruntime
import pytest

from benchmarks.networks import BIG_NETWORKS
from benchmarks.networks.light import light_model, natural_images
from rtlnn.errors import InputError
from rtlnn.frontend import import_model
from rtlnn.ops import Conv2D, Dense
from rtlnn.sim.reference import Reference

SIZE = 32
READ = ("squeezenet11", "shufflenet", "inception", "densenet121")
"""One of each kind that is quick: Concat, channel shuffle, padded average pools, batch norms behind a Concat."""


@pytest.mark.parametrize("name", ["squeezenet11", "shufflenet", "googlenet", "inception"])
def test_multiplications_are_the_published_ones(name: str) -> None:
    graph = import_model(BIG_NETWORKS[name].model()).graph
    layers = [n for n in graph.nodes if isinstance(n.op, (Conv2D, Dense))]
    pixels = [graph.types[n.output].shape[:2] for n in layers]
    macs = sum(np.prod(graph.types[n.inputs[1]].shape) * h * w for n, (h, w) in zip(layers, pixels, strict=True))
    assert round(macs / 1e6) == BIG_NETWORKS[name].macs


@pytest.mark.parametrize("name", READ)
def test_the_quantized_network_computes_what_onnxruntime_does(name: str) -> None:
    """Close to the float model: a channel or an axis in the wrong place would leave no likeness."""
    network = BIG_NETWORKS[name]
    model, x = network.model(SIZE), network.images(SIZE)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    integer = Reference(network.network(SIZE))
    port = session.get_inputs()[0].name
    wanted = np.concatenate([session.run(None, {port: frame[np.newaxis]})[0] for frame in x]).reshape(len(x), -1)
    got = integer(x).reshape(len(x), -1)
    if integer.network.tail.nodes[-1].name.startswith("softmax"):
        wanted, got = np.log(wanted + 1e-3), np.log(got + 1e-3)
    likeness = [np.corrcoef(a, b)[0, 1] for a, b in zip(wanted, got, strict=True)]
    assert min(likeness) > 0.9


def test_the_same_bytes_every_time() -> None:
    a, b, other = (light_model("squeezenet", seed, SIZE).SerializeToString() for seed in (1, 1, 2))
    assert a == b != other
    assert (natural_images(SIZE, 1, 1) == natural_images(SIZE, 1, 1)).all()


def test_images_vary_slowly() -> None:
    """Neighbours differ by 1.13 deviations in white noise."""
    images = natural_images(64, 2, 3)
    assert np.abs(np.diff(images, axis=3)).mean() < 0.8 * images.std()


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(InputError, match="multiple of 32"):
        light_model("resnet50", size=100)
    with pytest.raises(InputError, match="no light model 'lenet'"):
        light_model("lenet")
    with pytest.raises(InputError, match="networks since 2015 do without"):
        import_model(light_model("inception_v1"))
