"""Batch normalization and other per-channel arithmetic disappear in the weights of a layer beside them."""

from collections.abc import Callable

import numpy as np

from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.op import Op
from rtlnn.ir.types import Array
from rtlnn.ops import Add, Affine, AveragePool2D, Clip, Concat, Conv2D, Dense, Extreme, MaxPool2D, Multiply, Reshape
from rtlnn.passes.rewrite import rewired

__all__ = ["fold_affine"]

HARDWARE = (Add, AveragePool2D, Concat, Conv2D, Dense, Extreme, MaxPool2D, Multiply)


def _only_user(graph: Graph, value: str) -> Node | None:
    users = graph.users(value)
    return users[0] if len(users) == 1 and value not in graph.outputs else None


def _parameters(graph: Graph, node: Node) -> tuple[Array, Array]:
    scale, shift = (graph.constants[v] for v in node.inputs[1:])
    return scale, shift


def _is_layer(graph: Graph, node: Node) -> bool:
    """A convolution or dense node with real, constant weights."""
    return isinstance(node.op, (Conv2D, Dense)) and all(v in graph.constants for v in node.inputs[1:])


def _weights(graph: Graph, node: Node) -> tuple[Array, Array]:
    weights = graph.constants[node.inputs[1]]
    bias = graph.constants[node.inputs[2]] if len(node.inputs) > 2 else np.zeros(len(weights))
    return weights, bias


def _with_weights(
    node: Node, inputs: tuple[str, ...], output: str, weights: Array, bias: Array, tag: str
) -> tuple[Node, dict[str, Array]]:
    names = (f"{node.name}.weight.{tag}", f"{node.name}.bias.{tag}")
    return Node(node.name, node.op, (*inputs, *names), output), dict(zip(names, (weights, bias), strict=True))


def _tag(graph: Graph, node: Node) -> str:
    """A number that makes new constants of the node unlike its present ones."""
    i = 1
    while any(v.startswith(f"{node.name}.") and v.endswith(f".{i}") for v in graph.constants):
        i += 1
    return str(i)


def _backward(graph: Graph, node: Node) -> Graph | None:
    """layer → Affine: into the layer's weights, whatever the signs."""
    affine = _only_user(graph, node.output)
    if not _is_layer(graph, node) or affine is None or not isinstance(affine.op, Affine):
        return None
    scale, shift = _parameters(graph, affine)
    weights, bias = _weights(graph, node)
    weights = weights * scale.reshape(-1, *(1,) * (weights.ndim - 1))
    new, constants = _with_weights(node, node.inputs[:1], node.output, weights, bias * scale + shift, _tag(graph, node))
    return rewired(graph, {node.name: new, affine.name: None}, {affine.output: node.output}, constants)


def _forward(graph: Graph, node: Node) -> Graph | None:
    """Affine → (Reshape →) layer without padding: into that layer's weights. Not for the host's part of the work."""
    if not isinstance(node.op, Affine) or graph.producer(node.inputs[0]) is None or _from_input(graph, node):
        return None
    scale, shift = _parameters(graph, node)
    reshape: Node | None = None
    layer = _only_user(graph, node.output)
    if layer is not None and isinstance(layer.op, Reshape):
        reshape = layer
        layer = _only_user(graph, reshape.output)
    if layer is None or not _is_layer(graph, layer):
        return None
    if isinstance(layer.op, Conv2D) and (reshape is not None or (layer.op.window.padded and shift.any())):
        return None
    weights, bias = _weights(graph, layer)
    scale, shift = (_for_weights(a, weights, layer.op) for a in (scale, shift))
    bias = bias + (weights * shift).reshape(len(weights), -1).sum(axis=1)
    new, constants = _with_weights(layer, layer.inputs[:1], layer.output, weights * scale, bias, _tag(graph, layer))
    return rewired(graph, {layer.name: new, node.name: None}, {node.output: node.inputs[0]}, constants)


def _for_weights(parameter: Array, weights: Array, op: Op) -> Array:
    """A parameter of each input channel, as it meets the weights."""
    if isinstance(op, Conv2D) and op.groups > 1:
        # (groups, 1, 1, channels of a group), once for each output of the group
        of_group = parameter.reshape(op.groups, 1, 1, -1)
        return np.repeat(of_group, len(weights) // op.groups, axis=0)
    # NHWC: channels are the fastest, and repeat
    return np.tile(parameter, weights.shape[-1] // len(parameter))


def _from_input(graph: Graph, node: Node) -> bool:
    """Whether nothing but elementwise work lies between the inputs and the node: the host's head."""
    makers = {n.output: n for n in graph.nodes}
    reached = [v for v in node.inputs if v not in graph.constants]
    for value in reached:
        before = makers.get(value)
        if before is None:
            continue
        if isinstance(before.op, HARDWARE):
            return False
        reached += [v for v in before.inputs if v not in graph.constants and v not in reached]
    return True


def _before_pool(graph: Graph, node: Node) -> Graph | None:
    """MaxPool → Clip, and MaxPool → Affine with positive scales, change places: both orders give the same."""
    after = _only_user(graph, node.output)
    if not isinstance(node.op, MaxPool2D) or after is None or not isinstance(after.op, (Clip, Affine)):
        return None
    before = graph.producer(node.inputs[0])
    if before is None or _only_user(graph, node.inputs[0]) is not node:
        return None
    if isinstance(after.op, Affine):
        scale, _ = _parameters(graph, after)
        if not _is_layer(graph, before) or (scale < 0).any():
            return None
    first = Node(after.name, after.op, (node.inputs[0], *after.inputs[1:]), node.output)
    second = Node(node.name, node.op, (node.output,), after.output)
    return rewired(graph, {node.name: first, after.name: second})


def _merged(graph: Graph, node: Node) -> Graph | None:
    """Affine → Affine is one."""
    after = _only_user(graph, node.output)
    if not isinstance(node.op, Affine) or after is None or not isinstance(after.op, Affine):
        return None
    (s1, b1), (s2, b2) = _parameters(graph, node), _parameters(graph, after)
    tag = _tag(graph, after)
    names = (f"{after.name}.scale.{tag}", f"{after.name}.shift.{tag}")
    new = Node(after.name, Affine(), (node.inputs[0], *names), after.output)
    return rewired(
        graph, {after.name: new, node.name: None}, None, dict(zip(names, (s1 * s2, b1 * s2 + b2), strict=True))
    )


def _without_chains(graph: Graph) -> Graph:
    """Every chain of Affines as its last one; all at once, because chains may be long."""
    nodes: dict[str, Node | None] = {}
    constants: dict[str, Array] = {}
    pending: dict[str, tuple[str, Array, Array]] = {}
    for node in graph.nodes:
        if not isinstance(node.op, Affine):
            continue
        source, (scale, shift) = node.inputs[0], _parameters(graph, node)
        if source in pending:
            source, before, added = pending[source]
            scale, shift = before * scale, added * scale + shift
        after = _only_user(graph, node.output)
        if after is not None and isinstance(after.op, Affine):
            pending[node.output] = source, scale, shift
            nodes[node.name] = None
        elif source != node.inputs[0]:
            tag = _tag(graph, node)
            names = (f"{node.name}.scale.{tag}", f"{node.name}.shift.{tag}")
            nodes[node.name] = Node(node.name, Affine(), (source, *names), node.output)
            constants |= dict(zip(names, (scale, shift), strict=True))
    return rewired(graph, nodes, None, constants) if nodes else graph


_RULES: tuple[Callable[[Graph, Node], Graph | None], ...] = (_backward, _merged, _before_pool, _forward)


def fold_affine(graph: Graph) -> Graph:
    """Fold every Affine that can be folded.

    Requires: real weights (`fold_constants`). Ensures: an Affine remains only at the input (the host's), behind a pool
    where its scale is negative in some channel, and behind an activation where the next layer pads its input.
    Activations lie before maximum pools.
    """
    changed: Graph | None = _without_chains(graph)
    while changed is not None:
        graph = changed
        changed = next((new for node in graph.nodes for rule in _RULES if (new := rule(graph, node)) is not None), None)
    return graph
