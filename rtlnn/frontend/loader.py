"""From a path to a model whose weights are at hand, or an error that says what is wrong with the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import onnx.inliner
import onnx.version_converter
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from rtlnn.errors import InputError, RtlnnError
from rtlnn.frontend.wiring import check_functions, check_wiring

__all__ = ["OLDEST_OPSET", "damage_reported", "load_model"]

OLDEST_OPSET = 8
CONVERTED_OPSET = 13
CONVERTED_IR = 8
"""What models with older opsets are converted to."""

_ADVICE = "export the model again (any framework, opset 13 or newer)"


def _read(path: Path) -> onnx.ModelProto:
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the .onnx file inside it")
    if not path.exists():
        near = sorted(p.name for p in path.parent.glob("*.onnx")) if path.parent.is_dir() else []
        hint = f" (there: {', '.join(near[:5])})" if near else ""
        raise InputError(f"{path} does not exist; check the path{hint}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if not data:
        raise InputError(f"{path} is empty; {_ADVICE}")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        # a serialized model starts with field 1, ir_version
        if data[0] == 0x08:
            raise InputError(f"{path} is truncated or damaged ({len(data)} bytes); copy or export it again") from error
        raise InputError(f"{path} is not an ONNX file; {_ADVICE}") from error
    if not model.ir_version or not model.graph.node:
        raise InputError(f"{path} is not an ONNX file, or has no nodes; {_ADVICE}")
    return model


def _external_file(tensor: onnx.TensorProto) -> str:
    return next((e.value for e in tensor.external_data if e.key == "location"), "")


def _load_external(model: onnx.ModelProto, folder: Path | None, name: str) -> None:
    external = [t for t in model.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    if not external:
        return
    files = sorted({_external_file(t) for t in external})
    if folder is None:
        raise InputError(f"the weights of {name} lie in other files ({', '.join(files)}); give the path of the model")
    if missing := [f for f in files if not (folder / f).is_file()]:
        raise InputError(
            f"{name} keeps its weights in {', '.join(missing)}, missing in {folder}; put the file beside the model"
        )
    try:
        onnx.load_external_data_for_model(model, str(folder))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise InputError(f"the weights of {name} in {', '.join(files)} cannot be read: {error}") from error


def _check_names(model: onnx.ModelProto, name: str) -> None:
    """Names that are not text come from damaged bytes."""
    graph = model.graph
    names = [*(t.name for t in graph.initializer), *(v.name for v in (*graph.input, *graph.output))]
    for node in graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
    if not all(isinstance(n, str) for n in names):
        raise InputError(f"{name} is damaged (a name is not text); copy or export it again")


def _check_weights(model: onnx.ModelProto, name: str) -> None:
    """Every stored tensor must have as many elements as it says."""
    for tensor in model.graph.initializer:
        try:
            onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, NotImplementedError) as error:
            raise InputError(
                f"weight {tensor.name!r} of {name} is damaged ({error}); copy or export the model again"
            ) from error


def _upgraded(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """The model with an opset that has handlers."""
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if opset >= OLDEST_OPSET:
        return model
    try:
        onnx.checker.check_model(model)
        converted = onnx.version_converter.convert_version(model, CONVERTED_OPSET)
    except Exception as error:  # the converter runs code of every operator there is, each with errors of its own
        first = next(iter(str(error).strip().splitlines()), "no reason given")
        raise InputError(
            f"{name} has opset {opset or 'none'}, which cannot be converted to {CONVERTED_OPSET} ({first}): "
            "export it with opset 13 or newer"
        ) from error
    # older files list weights among the inputs, those that the converter adds are not
    converted.ir_version = max(model.ir_version, CONVERTED_IR)
    return converted


@contextmanager
def damage_reported(model: onnx.ModelProto, name: str) -> Iterator[None]:
    """An error inside becomes an `InputError` if ONNX's own checker finds the model invalid; else it is a bug."""
    try:
        yield
    except RtlnnError:
        raise
    except Exception as error:
        try:
            onnx.checker.check_model(model)
        except (onnx.checker.ValidationError, UnicodeDecodeError, TypeError) as found:
            first = str(found).splitlines()[0]
            raise InputError(f"{name} is damaged ({first}); copy or export it again") from error
        raise


def load_model(model: Path | str | onnx.ModelProto) -> tuple[onnx.ModelProto, str]:
    """The model with all its weights, and its name (the file's, without suffix).

    A model with an opset older than `OLDEST_OPSET` is converted to a newer one. Raises `InputError` for a missing file,
    one that is not ONNX, a truncated one, missing external weights, damaged weights, nodes that cannot be computed one
    after the other, and an opset that cannot be converted. A `ModelProto` that is given is not changed.
    """
    if isinstance(model, onnx.ModelProto):
        loaded, folder = onnx.ModelProto(), None
        loaded.CopyFrom(model)
        name = model.graph.name or "model"
    else:
        path = Path(model)
        loaded, folder, name = _read(path), path.parent, path.stem
    _check_names(loaded, name)
    _load_external(loaded, folder, name)
    _check_weights(loaded, name)
    if loaded.functions:
        check_functions(loaded, name)
        loaded = onnx.inliner.inline_local_functions(loaded)
    check_wiring(loaded, name)
    return _upgraded(loaded, name), name
