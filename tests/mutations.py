"""Damaged copies of models: bytes that change, and protobuf fields that say something else."""

from collections.abc import Callable

import numpy as np
import onnx

__all__ = ["mutated", "mutated_bytes", "mutated_fields"]

Rng = np.random.Generator

_OPERATORS = (
    "Relu", "Conv", "MatMul", "Add", "MaxPool", "Reshape", "Transpose", "QuantizeLinear", "Concat", "Slice", "Resize",
    "Pad", "Softmax", "Gather", "Clip", "Split", "Nonsense",
)  # fmt: skip


def mutated_bytes(data: bytes, rng: Rng) -> bytes:
    """Some bytes flipped, removed, or repeated, or the end cut off."""
    buffer = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(len(buffer)))
        match int(rng.integers(5)):
            case 0 | 1:
                buffer[place] = int(rng.integers(256))
            case 2:
                del buffer[place : place + int(rng.integers(1, 9))]
            case 3:
                buffer[place:place] = buffer[place : place + int(rng.integers(1, 9))]
            case _:
                if rng.random() < 0.2:
                    del buffer[max(place, 1) :]
    return bytes(buffer)


def _node(model: onnx.ModelProto, rng: Rng) -> onnx.NodeProto:
    return model.graph.node[int(rng.integers(len(model.graph.node)))]


def _tensors(model: onnx.ModelProto) -> list[str]:
    return [*(t.name for t in model.graph.initializer), *(o for n in model.graph.node for o in n.output), "", "no_such"]


def _rewire(model: onnx.ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    if node.input:
        node.input[int(rng.integers(len(node.input)))] = str(rng.choice(_tensors(model)))


def _rename_output(model: onnx.ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    if node.output:
        node.output[0] = str(rng.choice(_tensors(model)))


def _operator(model: onnx.ModelProto, rng: Rng) -> None:
    _node(model, rng).op_type = str(rng.choice([*_OPERATORS, _node(model, rng).op_type]))


def _attribute(model: onnx.ModelProto, rng: Rng) -> None:
    nodes = [n for n in model.graph.node if n.attribute]
    if not nodes:
        return
    node = nodes[int(rng.integers(len(nodes)))]
    attribute = node.attribute[int(rng.integers(len(node.attribute)))]
    value = int(rng.choice([-(2**63), -1, 0, 1, 2, 3, 7, 1000, 2**31, 2**40, 2**63 - 1]))
    match int(rng.integers(5)):
        case 0 if attribute.ints:
            attribute.ints[int(rng.integers(len(attribute.ints)))] = value
        case 1 if attribute.ints:
            attribute.ints.append(value)
        case 2 if attribute.ints:
            del attribute.ints[-1]
        case 3:
            node.attribute.remove(attribute)
        case _:
            attribute.i, attribute.type = value, onnx.AttributeProto.INT


def _dimension(model: onnx.ModelProto, rng: Rng) -> None:
    ports = [*model.graph.input, *model.graph.output]
    dims = ports[int(rng.integers(len(ports)))].type.tensor_type.shape.dim
    value = int(rng.choice([-1, 0, 1, 2, 5, 1000, 10**6, 2**31, 2**62]))
    if dims and rng.random() < 0.8:
        dims[int(rng.integers(len(dims)))].dim_value = value
    elif rng.random() < 0.5:
        dims.add().dim_value = value
    elif dims:
        del dims[-1]


def _weight(model: onnx.ModelProto, rng: Rng) -> None:
    if not model.graph.initializer:
        return
    tensor = model.graph.initializer[int(rng.integers(len(model.graph.initializer)))]
    array = np.array(onnx.numpy_helper.to_array(tensor))
    match int(rng.integers(5)):
        case 0:
            array = array.reshape(-1)
        case 1:
            array = array[..., :0] if array.ndim else array.reshape(1)
        case 2 if array.size and array.dtype.kind == "f":
            array.flat[int(rng.integers(array.size))] = rng.choice([np.nan, np.inf, -np.inf, 0, 1e38, -1, 1e-45])
        case 3 if array.size and array.dtype.kind in "iu":
            info = np.iinfo(array.dtype)
            array.flat[int(rng.integers(array.size))] = int(rng.choice([info.min, info.max, 0]))
        case _:
            tensor.data_type = int(rng.integers(0, 30))
            return
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))


def _nodes(model: onnx.ModelProto, rng: Rng) -> None:
    nodes = model.graph.node
    i = int(rng.integers(len(nodes)))
    match int(rng.integers(3)):
        case 0 if len(nodes) > 1:
            del nodes[i]
        case 1:
            nodes.add().CopyFrom(nodes[i])
        case _:
            moved = onnx.NodeProto()
            moved.CopyFrom(nodes[i])
            del nodes[i]
            nodes.insert(int(rng.integers(len(nodes) + 1)), moved)


def _header(model: onnx.ModelProto, rng: Rng) -> None:
    if model.opset_import and rng.random() < 0.7:
        model.opset_import[0].version = int(rng.choice([-1, 0, 1, 6, 7, 9, 11, 13, 18, 22, 99, 2**40]))
    elif model.graph.output:
        model.graph.output[0].name = str(rng.choice(_tensors(model)))


_CHANGES: tuple[Callable[[onnx.ModelProto, Rng], None], ...] = (
    _rewire, _rename_output, _operator, _attribute, _attribute, _dimension, _weight, _weight, _nodes, _header,
)  # fmt: skip


def mutated_fields(model: onnx.ModelProto, rng: Rng) -> onnx.ModelProto:
    """One to three fields changed to something that a hostile file could hold."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for _ in range(int(rng.integers(1, 4))):
        _CHANGES[int(rng.integers(len(_CHANGES)))](copy, rng)
    return copy


def mutated(model: onnx.ModelProto, rng: Rng) -> bytes:
    """A damaged copy as a file's content."""
    if rng.random() < 0.5:
        return mutated_bytes(model.SerializeToString(), rng)
    return mutated_fields(model, rng).SerializeToString()
