"""Shapes as ONNX infers them, for what lies behind nodes that cannot be imported."""

from collections.abc import Iterable

import onnx

from rtlnn.frontend.ports import DeclaredInput

__all__ = ["inferred_shapes"]


def inferred_shapes(model: onnx.ModelProto, sources: Iterable[DeclaredInput]) -> dict[str, tuple[int, ...]]:
    """All shapes that can be told with a batch size of 1; empty if inference fails."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {source.name: source.shape for source in sources}
    for value in copy.graph.input:
        if value.name in known:
            shape = value.type.tensor_type.shape
            del shape.dim[:]
            shape.dim.extend(onnx.TensorShapeProto.Dimension(dim_value=d) for d in known[value.name])
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    del copy.graph.value_info[:]
    try:
        inferred = onnx.shape_inference.infer_shapes(copy, data_prop=True)
    except (onnx.shape_inference.InferenceError, RuntimeError):
        return {}
    result = {}
    for value in (*inferred.graph.value_info, *inferred.graph.output):
        tensor = value.type.tensor_type
        dims = tuple(d.dim_value if d.HasField("dim_value") else 0 for d in tensor.shape.dim)
        if tensor.HasField("shape") and dims and min(dims) > 0:
            result[value.name] = dims
    return result
