"""Trained ONNX networks become verified, synthesizable hardware, without HLS.

The functions of the command line, for Python:

    import rtlnn

    report = rtlnn.build("model.onnx", "build/model", rtlnn.Options(platform="u200", calibration="data.npy"))
    result = rtlnn.simulate("build/model", inputs="images.npy")
    scores = rtlnn.reference("model.onnx", calibration="data.npy")(images)
    scores = rtlnn.runtime.load("build/model")(images)

They are loaded when they are first used, so that `import rtlnn` takes no time.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtlnn.api import (
        Calibration,
        CalibrationMethod,
        CheckFailed,
        InputError,
        LayerSettings,
        Level,
        Objective,
        Options,
        Precision,
        Reference,
        Rounding,
        RtlnnError,
        Settings,
        SimulationResult,
        Simulator,
        SoftmaxPlace,
        SynthResult,
        build,
        check,
        compare,
        estimate,
        profile,
        quantize,
        reference,
        simulate,
        simulate_by_layer,
        simulate_on_card,
        synth,
    )

__version__ = "0.1.0"

__all__ = [
    "Calibration",
    "CalibrationMethod",
    "CheckFailed",
    "InputError",
    "LayerSettings",
    "Level",
    "Objective",
    "Options",
    "Precision",
    "Reference",
    "Rounding",
    "RtlnnError",
    "Settings",
    "SimulationResult",
    "Simulator",
    "SoftmaxPlace",
    "SynthResult",
    "build",
    "check",
    "compare",
    "estimate",
    "profile",
    "quantize",
    "reference",
    "simulate",
    "simulate_by_layer",
    "simulate_on_card",
    "synth",
]


def __getattr__(name: str) -> Any:
    if name == "runtime":  # a module, which imports the others
        return importlib.import_module("rtlnn.runtime")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module("rtlnn.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
