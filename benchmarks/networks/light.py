"""Large published topologies, as the `onnx` wheel carries them, with seeded random weights put in.

The wheel's "light" models replace large weights by constant generators: right in every shape, worthless in arithmetic.
Here every parameter becomes an initializer drawn for its place: weights scaled for ReLUs (He et al., 2015), statistics
of batch norms as training leaves them.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from rtlnn.errors import InputError

__all__ = ["LIGHT_SIZE", "light_model", "natural_images"]

LIGHT_SIZE = 224
"""Rows and columns of the images that the topologies were published for."""

LEAST_SIZE = 32
"""They halve an image five times."""

IR_VERSION = 8
BATCH_NORM_INPUTS = 5
IMAGE_RANK = 4


def natural_images(size: int, count: int, seed: int) -> NDArray[np.float32]:
    """Seeded images (count, 3, size, size), mean 0 and deviation 1, that are smooth as photographs are.

    Their amplitude falls with the frequency f as 1/f (Field, 1987); the channels have most of it in common.
    """
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, np.newaxis], np.fft.rfftfreq(size))
    amplitude = 1 / np.maximum(frequency, 1 / size)
    common, own = rng.standard_normal((count, 1, size, size)), rng.standard_normal((count, 3, size, size))
    images = np.fft.irfft2(np.fft.rfft2(common + 0.3 * own) * amplitude, (size, size))
    images -= images.mean(axis=(1, 2, 3), keepdims=True)
    return (images / images.std(axis=(1, 2, 3), keepdims=True)).astype(np.float32)


def light_model(name: str, seed: int = 1, size: int = LIGHT_SIZE, without: Iterable[str] = ()) -> onnx.ModelProto:
    """The topology `light_<name>.onnx` of the onnx wheel as a float model; the same arguments give the same bytes.

    Parameters
    ----------
    name : such as "resnet50"
    seed : of the parameters
    size : rows and columns of the input, a multiple of 32; a last pool over the whole image follows it
    without : kinds of nodes to leave out, with one input and one output: "LRN" makes AlexNet one that can be built

    Raises `InputError` for sizes that the topology cannot have, and where the installed wheel has no such model.
    """
    if size % LEAST_SIZE or size < LEAST_SIZE:
        raise InputError(f"{size}x{size} images do not halve five times; give a multiple of {LEAST_SIZE}")
    graph = _read(name).graph
    shapes = _parameter_shapes(graph)
    rng = np.random.default_rng(seed)
    renamed: dict[str, str] = {}
    nodes: list[onnx.NodeProto] = []
    values: dict[str, NDArray[np.generic]] = {
        i.name: _resized(numpy_helper.to_array(i), size) for i in graph.initializer if i.data_type == TensorProto.INT64
    }
    roles = _roles(graph)
    for source in graph.node:
        if source.op_type == "ConstantOfShape":
            continue
        if source.op_type in without:
            renamed[source.output[0]] = renamed.get(source.input[0], source.input[0])
            continue
        node = onnx.NodeProto()
        node.CopyFrom(source)
        del node.input[:]
        node.input.extend(renamed.get(v, v) for v in source.input)
        node.name = node.name or f"{node.op_type.lower()}{len(nodes)}"
        if node.op_type == "AveragePool":
            _fit_pool(node, size)
        nodes.append(node)
        for value in node.input:
            if value in roles and value not in values:
                values[value] = _drawn(rng, roles[value], shapes[value])
    used = {v for n in nodes for v in n.input}
    constants = [numpy_helper.from_array(values[v], v) for v in sorted(values) if v in used]
    image = next(i.name for i in graph.input if i.name not in shapes and i.name not in values)
    made = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(image, TensorProto.FLOAT, [1, 3, size, size])],
        list(graph.output),
        constants,
    )
    opset = max(o.version for o in _read(name).opset_import)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSION)


@cache
def _read(name: str) -> onnx.ModelProto:
    path = files("onnx") / "backend" / "test" / "data" / "light" / f"light_{name}.onnx"
    if not path.is_file():
        raise InputError(f"the installed onnx package has no light model {name!r}; another version may have it")
    return onnx.load_model_from_string(path.read_bytes())


def _parameter_shapes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """Shapes of all real constants, generated or stored."""
    stored = {i.name: i for i in graph.initializer}
    found = {i.name: tuple(i.dims) for i in graph.initializer if i.data_type == TensorProto.FLOAT}
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            found[node.output[0]] = tuple(int(d) for d in numpy_helper.to_array(stored[node.input[0]]))
    return found


def _roles(graph: onnx.GraphProto) -> Mapping[str, str]:
    """What each parameter is to its only user: weight, bias, scale, shift, mean or variance."""
    shapes = _parameter_shapes(graph)
    through = {n.output[0]: n for n in graph.node}
    found: dict[str, str] = {}
    for node in graph.node:
        kinds: tuple[str, ...] = ()
        match node.op_type:
            case "Conv" | "Gemm":
                kinds = ("", "weight", "bias")
            case "BatchNormalization":
                kinds = ("", "scale", "shift", "mean", "variance")
            case "Mul":
                kinds = ("scale", "scale")
            case "Add":
                kinds = ("shift", "shift")
        for value, kind in zip(node.input, kinds, strict=False):
            origin = value
            while origin not in shapes and origin in through and through[origin].op_type in ("Unsqueeze", "Reshape"):
                origin = through[origin].input[0]
            if kind and origin in shapes:
                found[origin] = kind
    return found


def _drawn(rng: np.random.Generator, role: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    match role:
        case "weight":
            # of a dense layer's (1, 1, O, C) too the last axis is summed over
            fan_in = shape[-1] if shape[0] == 1 else int(np.prod(shape[1:]))
            value = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / fan_in))
        case "scale":
            value = rng.uniform(0.5, 1.5, shape)
        case "variance":
            value = rng.uniform(0.5, 2, shape)
        case _:
            value = 0.1 * rng.standard_normal(shape)
    return value.astype(np.float32)


def _resized(constant: NDArray[np.generic], size: int) -> NDArray[np.generic]:
    """The target of a Reshape for images of another size: the last two of five dimensions are rows and columns."""
    if constant.ndim != 1 or len(constant) < IMAGE_RANK or size == LIGHT_SIZE:
        return constant
    rows = constant[-2:] * size // LIGHT_SIZE
    return np.concatenate([constant[:-2], rows])


def _fit_pool(node: onnx.NodeProto, size: int) -> None:
    """The pool over the whole of the last image, 7x7 of 224x224, is one over the whole image of any other size."""
    whole = any(a.name == "kernel_shape" and list(a.ints) == [LIGHT_SIZE // 32] * 2 for a in node.attribute)
    if whole and size != LIGHT_SIZE:
        node.op_type = "GlobalAveragePool"
        del node.attribute[:]
