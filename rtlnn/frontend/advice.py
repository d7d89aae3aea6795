"""What to do about operators that cannot be imported."""

import onnx

from rtlnn.frontend.problems import Unsupported

__all__ = ["advice_for"]

_QOPERATOR = "quantize the model in the QDQ format (QuantizeLinear and DequantizeLinear around float operators)"
_STATIC = "quantize statically, with calibration data: quantize_static of onnxruntime"

_ADVICE = {
    "DynamicQuantizeLinear": "quantize statically, with calibration data (rtlnn quantize)",
    "GRU": "recurrent networks are not supported",
    "LSTM": "recurrent networks are not supported",
    "LayerNormalization": "use BatchNormalization",
    "InstanceNormalization": "use BatchNormalization",
    "GlobalLpPool": "use GlobalAveragePool or GlobalMaxPool",
    "LpPool": "use AveragePool or MaxPool",
    "LRN": "leave it out and train a little further, or use BatchNormalization: networks since 2015 do without it",
    "Pow": "only arithmetic with constants (Add, Sub, Mul, Div) is supported",
    "RNN": "recurrent networks are not supported",
    "If": "export the model without control flow",
    "Loop": "export the model without control flow",
    "Scan": "export the model without control flow",
}


def advice_for(proto: onnx.NodeProto, opset: int) -> Unsupported:
    """Why there is no handler for the node. `opset` is not 0 where other versions of the operator are known."""
    kind = f"{proto.domain}.{proto.op_type}" if proto.domain else proto.op_type
    if opset:
        return Unsupported(
            f"{kind} as defined in opset {opset} is not known to this version of rtlnn",
            "export the model with another opset (13 to 21 are common), or update rtlnn",
        )
    if proto.domain == "com.microsoft" and proto.op_type.startswith(("DynamicQuantize", "MatMulIntegerTo")):
        return Unsupported(f"{kind} computes scales from the data of each frame", _STATIC)
    if proto.domain == "com.microsoft" and proto.op_type.startswith("Q"):
        return Unsupported(f"the operator {kind} is not supported", _QOPERATOR)
    advice = _ADVICE.get(proto.op_type, "remove it, or compute it on the host before or after the network")
    return Unsupported(f"the operator {kind} is not supported", advice)
