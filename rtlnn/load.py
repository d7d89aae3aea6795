"""From a trained model to a network of integers: the whole front half of the flow, in one call."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model
from rtlnn.ir.network import Network
from rtlnn.ops import Precision
from rtlnn.passes.lowering import lower
from rtlnn.passes.ranges import narrow
from rtlnn.passes.runner import run

__all__ = ["load_network", "network_of"]


def network_of(model: ImportedModel, precision: Precision = Precision.EXACT, notes: tuple[str, ...] = ()) -> Network:
    """The network of a quantized model."""
    parts = lower(model.graph, precision)
    for graph in (parts.head, parts.core, parts.tail):
        graph.verify()
    return Network(
        model.name, parts.head, run(parts.core, (narrow,)), parts.tail, model.input, model.output, notes
    )


def load_network(
    model: Path | str | onnx.ModelProto,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    precision: Precision = Precision.EXACT,
) -> Network:
    imported = import_model(model, input_shapes)
    if not imported.quantized:
        raise InputError("no calibration")
    return network_of(imported, precision)
