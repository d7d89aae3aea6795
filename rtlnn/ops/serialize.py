"""Networks as files: the structure as JSON and the arrays beside it, in one .npz."""

import json
import zipfile
from dataclasses import fields, is_dataclass
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from rtlnn.errors import InputError
from rtlnn.ir.graph import Graph, Node
from rtlnn.ir.network import ModelPort, Network
from rtlnn.ir.types import Array, Encoding, FixedFormat, TensorType
from rtlnn.ops import OPERATIONS
from rtlnn.ops.activation import Function
from rtlnn.ops.requantize import Precision
from rtlnn.ops.rounding import Rounding
from rtlnn.ops.window import Window

__all__ = ["load_network", "save_network"]

_TYPES: dict[str, Any] = {
    **OPERATIONS,
    **{t.__name__: t for t in (FixedFormat, TensorType, Window, Encoding, Precision, Function, Rounding)},
}


def _plain(value: Any) -> Any:
    """`value` as JSON data; dataclasses and enums carry their name."""
    if isinstance(value, Enum):
        return {"": type(value).__name__, "value": value.value}
    if is_dataclass(value):
        return {"": type(value).__name__, **{f.name: _plain(getattr(value, f.name)) for f in fields(value)}}
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _rebuilt(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_rebuilt(v) for v in data)
    if isinstance(data, dict):
        # packages of users add operations
        kind: Any = _TYPES.get(data[""]) or OPERATIONS[data[""]]
        if issubclass(kind, Enum):
            return kind(data["value"])
        known = get_type_hints(kind)
        return kind(**{k: _rebuilt(v) for k, v in data.items() if k in known})
    return data


def _graph_to(graph: Graph, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    names = {}
    for i, (name, array) in enumerate(graph.constants.items()):
        names[name] = f"{prefix}{i}"
        arrays[names[name]] = array
    return {
        "inputs": graph.inputs,
        "outputs": graph.outputs,
        "nodes": [{"name": n.name, "op": _plain(n.op), "inputs": n.inputs, "output": n.output} for n in graph.nodes],
        "types": {v: _plain(t) for v, t in graph.types.items()},
        "constants": names,
    }


def _graph_from(data: dict[str, Any], arrays: Any) -> Graph:
    return Graph(
        tuple(data["inputs"]),
        tuple(data["outputs"]),
        tuple(Node(n["name"], _rebuilt(n["op"]), tuple(n["inputs"]), n["output"]) for n in data["nodes"]),
        {v: _rebuilt(t) for v, t in data["types"].items()},
        {name: arrays[key] for name, key in data["constants"].items()},
    )


def save_network(network: Network, path: Path) -> None:
    """Write `network` to `path` (.npz); the same network gives the same bytes."""
    arrays: dict[str, Array] = {}
    data: dict[str, Any] = {"name": network.name, "notes": network.notes}
    for part in ("head", "core", "tail"):
        data[part] = _graph_to(getattr(network, part), part, arrays)
    for side in ("inputs", "outputs"):
        data[side] = []
        for i, port in enumerate(getattr(network, side)):
            arrays[f"{side}{i}_order"] = port.order
            plain = {"name": port.name, "shape": port.shape, "dtype": port.dtype, "batch_axis": port.batch_axis}
            data[side].append(plain)
    arrays["structure"] = np.frombuffer(json.dumps(data).encode(), dtype=np.uint8)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            buffer = BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array))
            # np.savez would write the time of day
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED
            )


def load_network(path: Path) -> Network:
    """Read what `save_network` wrote. Raises `InputError` if `path` is missing or something else."""
    try:
        with np.load(path) as arrays:
            data = json.loads(bytes(arrays["structure"]))
            ports = {
                side: tuple(
                    ModelPort(**{**port, "shape": tuple(port["shape"])}, order=arrays[f"{side}{i}_order"])
                    for i, port in enumerate(data[side])
                )
                for side in ("inputs", "outputs")
            }
            graphs = {p: _graph_from(data[p], arrays) for p in ("head", "core", "tail")}
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} is not a network that rtlnn saved ({error}); build the model again") from error
    return Network(
        data["name"],
        graphs["head"],
        graphs["core"],
        graphs["tail"],
        ports["inputs"],
        ports["outputs"],
        tuple(data["notes"]),
    )
