"""New weights for a layer of a build: whether its hardware can hold them, and what its memories hold then."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from rtlnn.emit.interface import Interface
from rtlnn.emit.weights import WEIGHTS_FILE, load_contents, stream_contents
from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.circuit import Circuit
from rtlnn.ops import Conv2D, Dense
from rtlnn.passes.intervals import analyse
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.tasks import tasks_of

__all__ = ["memory_files", "reloaded"]


def reloaded(network: Network, layer: str, weights: Array, bias: Array | None) -> Network:
    """The network with other weights in a layer: integers in the shape of those of `network.core`; and other biases.

    Raises `InputError` if the layer was not built for that, or shapes, types or values do not fit it.
    """
    core = network.core
    possible = [n.name for n in core.nodes if isinstance(n.op, Conv2D | Dense) and n.op.reloadable]
    node = next((n for n in core.nodes if n.name == layer), None)
    if node is None or layer not in possible:
        raise InputError(
            f"the weights of {layer!r} cannot be reloaded; those of {', '.join(possible) or 'no layer'} can: "
            "build with --reloadable LAYER"
        )
    constants = dict(core.constants)
    given = [weights] if bias is None else [weights, bias]
    if len(given) >= len(node.inputs):
        raise InputError(f"{layer} was built without a bias; give the weights alone")
    for value, array in zip(node.inputs[1:], given, strict=False):
        constants[value] = _checked(core, layer, value, np.asarray(array))
    made = replace(core, constants=constants)
    _check_ranges(made, layer)
    return replace(network, core=made)


def _checked(core: Graph, layer: str, value: str, array: Array) -> Array:
    """The array, if it can take the place of a constant."""
    before, fixed = core.constants[value], core.types[value].fixed
    if array.shape != before.shape or array.dtype.kind not in "iu":
        raise InputError(
            f"{layer} takes integers of shape {before.shape} in place of {value}, not {array.dtype} of {array.shape}"
        )
    if array.size and (array.min() < fixed.lo or array.max() > fixed.hi):
        raise InputError(
            f"{layer} takes integers from {fixed.lo} to {fixed.hi} in place of {value}, "
            f"not {array.min()} to {array.max()}"
        )
    return array.astype(before.dtype)


def _check_ranges(core: Graph, layer: str) -> None:
    """Raises `InputError` if a value could leave the format that its hardware has."""
    # with the weights at hand, not with any
    nodes = (
        replace(n, op=replace(n.op, reloadable=False)) if isinstance(n.op, Conv2D | Dense) else n for n in core.nodes
    )
    for value, interval in analyse(replace(core, nodes=tuple(nodes))).items():
        fixed, (lo, hi) = core.types[value].fixed, interval.joined()
        if lo < fixed.lo or hi > fixed.hi:
            raise InputError(
                f"with these weights of {layer}, {value} goes from {lo} to {hi}, but its hardware holds {fixed.lo} to "
                f"{fixed.hi}; build again with them"
            )


def memory_files(folder: Path, interface: Interface, network: Network) -> Mapping[str, bytes]:
    """What the build's files of loaded and of streamed weights hold with the constants of `network`.

    Raises `InputError` if the build's own files cannot be read, or its hardware is for other weights.
    """
    plan = HardwarePlan.load(folder / "plan.json")
    try:
        arithmetic = Arithmetic(json.loads((folder / "report.json").read_text())["arithmetic"])
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{folder}/report.json does not name the arithmetic ({error!r}); build again") from None
    circuit = _circuit(network.core, plan, arithmetic)
    files = {} if interface.weight_beats is None else {WEIGHTS_FILE: load_contents(circuit)}
    beats = len(files.get(WEIGHTS_FILE, b"")) // 8
    if interface.weight_beats is not None and beats != interface.weight_beats:
        raise InputError(f"{folder} takes {interface.weight_beats:,} beats of weights, not {beats:,}; build again")
    streams = zip(interface.weights.values(), stream_contents(circuit), strict=True)
    return files | {port.file: contents for port, contents in streams}


def _circuit(core: Graph, plan: HardwarePlan, arithmetic: Arithmetic) -> Circuit:
    tasks = tasks_of(core, pools=True)
    assembly = Assembly(core, tasks)
    return assembly.circuit(plan.options(tasks, arithmetic), plan.depths(assembly.edges), contents=True)
