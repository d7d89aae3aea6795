"""rtlnn as an ONNX backend: it runs models, for tests, on the reference that the hardware equals.

    import rtlnn.backend as backend

    outputs = backend.run_model(model, [x])

Quantized models run on the integer network, bit for bit as the hardware. Float models and single operators run on the
graph of real numbers that stands before quantization. `Prepared.evaluation` says which of both it was.
"""

from rtlnn.backend.backend import Backend, Evaluation, Prepared, Refused

__all__ = [
    "Backend", "Evaluation", "Prepared", "Refused", "is_compatible", "prepare", "run_model", "run_node",
    "supports_device",
]  # fmt: skip

is_compatible = Backend.is_compatible
prepare = Backend.prepare
run_model = Backend.run_model
run_node = Backend.run_node
supports_device = Backend.supports_device
