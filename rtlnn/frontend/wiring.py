"""Whether the nodes of a model can be read one after the other at all, and in bounded time."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import onnx

from rtlnn.errors import InputError
from rtlnn.frontend.problems import Unsupported
from rtlnn.frontend.tensors import Constant, Tensor

__all__ = ["MOST_ELEMENTS", "MOST_NODES", "check_attributes", "check_functions", "check_sizes", "check_wiring"]

MOST_NODES = 10_000
"""Several times what the largest networks have that fit a chip."""

MOST_PLUMBING = 50_000
"""With the nodes around them that only quantize or hold constants."""

_PLUMBING = ("Constant", "DequantizeLinear", "Identity", "QuantizeLinear")

MOST_ELEMENTS = 1 << 26
"""Of a tensor computed from one frame: an image of 67 megapixels."""

MOST_FUNCTIONS = 500
LARGEST_ATTRIBUTE = 1 << 16
LONGEST_SHAPE = 16
_ENLARGING = ("ConstantOfShape", "Expand", "Pad", "Range", "Resize", "Tile", "Upsample")
_WINDOW_ATTRIBUTES = ("kernel_shape", "pads", "strides", "dilations", "output_padding", "output_shape")

SHOWN = 8


def check_attributes(attributes: Mapping[str, Any]) -> None:
    """Raises `Unsupported` for windows that no image has, before anything of their size takes memory."""
    for name in _WINDOW_ATTRIBUTES:
        values = attributes.get(name, ())
        if isinstance(values, list) and any(abs(v) > LARGEST_ATTRIBUTE for v in values if isinstance(v, int)):
            raise Unsupported(
                f"its {name} are {tuple(values)}",
                f"use numbers of at most {LARGEST_ATTRIBUTE:,}; is the model damaged?",
            )


def check_sizes(operator: str, inputs: Sequence[Tensor | None]) -> None:
    """Raises `Unsupported` for operators whose constant inputs ask for a tensor larger than any that is read."""
    if operator not in _ENLARGING:
        return
    for tensor in inputs:
        if isinstance(tensor, Constant) and tensor.array.size <= LONGEST_SHAPE and tensor.array.dtype.kind in "fiu":
            size = math.prod(max(abs(v), 1) for v in tensor.array.ravel().tolist())
            if not size <= MOST_ELEMENTS:
                raise Unsupported(
                    f"it makes a tensor of more than {MOST_ELEMENTS:,} elements ({tensor.array.tolist()})",
                    "is the model damaged?",
                )


def _too_many(name: str, count: str) -> InputError:
    return InputError(
        f"{name} has {count} nodes; rtlnn reads networks of {MOST_NODES:,} at most: simplify the model, or cut it with "
        "onnx.utils.extract_model"
    )


def check_functions(model: onnx.ModelProto, name: str) -> None:
    """Raises `InputError` for functions that call themselves, or that expand to too many nodes."""
    bodies = {(f.domain, f.name): f.node for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    open_calls: set[tuple[str, str]] = set()

    def size(key: tuple[str, str]) -> int:
        if key not in bodies:
            return 1
        if key in open_calls:
            raise InputError(f"the function {key[1]!r} of {name} calls itself; export the model without functions")
        if key not in sizes:
            open_calls.add(key)
            sizes[key] = sum(size((n.domain, n.op_type)) for n in bodies[key])
            open_calls.remove(key)
        return sizes[key]

    if len(bodies) > MOST_FUNCTIONS:
        raise InputError(f"{name} has {len(bodies):,} functions; export the model without functions")
    if sum(size((n.domain, n.op_type)) for n in model.graph.node) > MOST_NODES:
        raise _too_many(name, f"more than {MOST_NODES:,}")


def check_wiring(model: onnx.ModelProto, name: str) -> None:
    """Raises `InputError` for too many nodes, names that nothing or only a later node makes, and such made twice."""
    graph = model.graph
    count = len(graph.node)
    if count > MOST_NODES and (
        count > MOST_PLUMBING or sum(n.op_type not in _PLUMBING for n in graph.node) > MOST_NODES
    ):
        raise _too_many(name, f"{count:,}")
    known = {"", *(t.name for t in graph.initializer), *(v.name for v in graph.input)}
    known |= {t.values.name for t in graph.sparse_initializer}
    later = {o for n in graph.node for o in n.output}
    faults = []
    for i, node in enumerate(graph.node):
        label = f"{node.op_type} {node.name or f'{node.op_type}_{i}'!r}"
        for value in dict.fromkeys(node.input):
            if value not in known and value in later:
                faults.append(f"{label} reads {value!r}, which it or a later node makes (a cycle, or a wrong order)")
            elif value not in known:
                faults.append(f"{label} reads {value!r}, which nothing makes")
        for value in node.output:
            if value and value in known:
                faults.append(f"{label} makes {value!r}, which exists already")
        known.update(node.output)
    faults += [f"the output {o.name!r} is made by nothing" for o in graph.output if o.name not in known]
    if faults:
        shown = "\n".join(f"  {fault}" for fault in faults[:SHOWN])
        more = f"\n  and {len(faults) - SHOWN:,} more" if len(faults) > SHOWN else ""
        raise InputError(f"{name} is not a network that can be computed; export it again:\n{shown}{more}")
