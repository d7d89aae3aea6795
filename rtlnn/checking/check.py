"""Reads, quantizes and lowers a model as a build would, and reports on every node instead of stopping at the first."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import onnx

from rtlnn.checking.fates import Tracer
from rtlnn.checking.result import Check, Fate, NodeFate
from rtlnn.checking.sizes import sizes_of
from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model
from rtlnn.frontend.loader import load_model
from rtlnn.ir.names import Names
from rtlnn.ir.network import Network
from rtlnn.ir.refusal import NodesRefused, Refusal
from rtlnn.load import complete, network_of
from rtlnn.ops import Precision
from rtlnn.plan.simple import KINDS
from rtlnn.plan.tasks import tasks_of
from rtlnn.quantization import Calibration, CalibrationData, quantize_imported

__all__ = ["check_model"]

PARTLY_NOTE = "a model that is quantized in part: building it needs calibration data"
FLOAT_NOTE = "a float model: sizes are those of its quantized form; building it needs calibration data"


def _names(model: onnx.ModelProto) -> list[tuple[str, onnx.NodeProto]]:
    """Every node with the name that the importer gives it."""
    unique = Names()
    return [(unique(n.name or f"{n.op_type}_{i}"), n) for i, n in enumerate(model.graph.node)]


def _refused(
    model: str, nodes: list[tuple[str, onnx.NodeProto]], error: NodesRefused, imported: ImportedModel | None
) -> Check:
    """The check of a model of which some nodes are refused."""
    by_name: dict[str, list[Refusal]] = {}
    for refusal in error.refusals:
        by_name.setdefault(refusal.node, []).append(refusal)
    fates = []
    for name, proto in nodes:
        if found := by_name.pop(name, None):
            reason = "; ".join(dict.fromkeys(r.reason for r in found))
            fates.append(NodeFate(name, proto.op_type, Fate.REFUSED, (), reason, found[0].advice))
        else:
            fates.append(NodeFate(name, proto.op_type, Fate.ACCEPTED))
    graph = error.partial or (imported.graph if imported else None)
    problems = tuple(str(r) for rest in by_name.values() for r in rest)
    return Check(model, tuple(fates), sizes_of(graph) if graph else (), problems)


def _quantized(imported: ImportedModel, calibration: CalibrationData | None) -> tuple[ImportedModel, tuple[str, ...]]:
    """The model with integers everywhere, and notes on how it got them."""
    data = Calibration.RANDOM if calibration is None else calibration
    if imported.quantized:
        whole, notes = complete(imported, data)
        if whole is imported:
            return imported, ()
        return whole, (*((PARTLY_NOTE,) if calibration is None else ()), notes[0])
    return replace(import_model(quantize_imported(imported, data)), name=imported.name), (FLOAT_NOTE,)


def _unplannable(network: Network) -> tuple[str, ...]:
    """What stands in the way of a plan, whatever the platform."""
    try:
        tasks = tasks_of(network.core, pools=True)
    except InputError as error:
        return (str(error),)
    return tuple(
        f"{task.name!r}: no hardware computes {task.kind}; cut the model before it"
        for task in tasks
        if not task.is_kernel and type(task.node.op) not in KINDS
    )


def check_model(
    model: Path | str | onnx.ModelProto,
    calibration: CalibrationData | None = None,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    precision: Precision = Precision.EXACT,
) -> Check:
    """What `build` would make of each node of `model`; nothing is planned or written.

    Parameters
    ----------
    model : path of an ONNX file, or the model itself
    calibration : typical inputs for a float model (default: noise, for sizes alone)
    input_shapes : for inputs with unknown dimensions, batch dimension included
    precision : of the requantizations

    Raises `InputError` where the file, its inputs or the data cannot be used at all.
    """
    loaded, name = load_model(model)
    nodes = _names(loaded)
    imported: ImportedModel | None = None
    try:
        imported = replace(import_model(loaded, input_shapes), name=name)
        quantized, notes = _quantized(imported, calibration)
        network = network_of(quantized, precision)
    except NodesRefused as error:
        return _refused(name, nodes, error, imported)
    except InputError as error:
        if imported is None:
            raise
        # nothing is wrong with one node: there is no layer to build, for example
        fates = tuple(NodeFate(n, proto.op_type, Fate.ACCEPTED) for n, proto in nodes)
        return Check(name, fates, sizes_of(imported.graph), (str(error),))
    tracer = Tracer(imported, quantized, network)
    fates = tuple(tracer.fate(n, proto) for n, proto in nodes)
    return Check(name, fates, sizes_of(network.core), _unplannable(network), notes)
