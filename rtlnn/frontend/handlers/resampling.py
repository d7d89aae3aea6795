"""Which pixels Resize and Upsample take, for the nearest one."""

from collections.abc import Callable, Mapping

import numpy as np

from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.ir.types import Array

__all__ = ["nearest_places", "scales_of"]

_NEAREST: Mapping[str, Callable[[Array], Array]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


def scales_of(node: OnnxNode, shape: tuple[int, ...]) -> list[tuple[float, tuple[int, int]]]:
    """For each axis its factor, and its lengths before and behind.

    Raises `Unsupported` for other modes than nearest.
    """
    rank = len(shape)
    scales: tuple[float, ...] | None = None
    sizes: tuple[int, ...] | None = None
    given = {7: None, 9: 1, 10: 1}.get(node.since, 2)
    if given is None:
        scales = tuple(float(v) for v in node.attributes.get("scales", ()))
    elif node.has(given) and (found := node.finite(given, "list of scales").ravel()).size:
        scales = tuple(float(v) for v in found)
    if scales is None and node.has(3):
        sizes = tuple(int(v) for v in node.constant(3, "list of sizes").ravel())
    axes = tuple(a % rank for a in node.integers("axes") or range(rank))
    if scales is None and sizes is None:
        raise Unsupported("its scales and sizes are missing", "check the model with onnx.checker")
    if node.text("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Unsupported("it keeps the aspect ratio", "give it sizes that it need not change")
    result = [(1.0, (n, n)) for n in shape]
    for i, axis in enumerate(axes):
        before = shape[axis]
        if sizes is not None:
            behind = sizes[i] if axis or before != 1 else 1
            result[axis] = (behind / before, (before, behind))
        elif scales is not None:
            result[axis] = (scales[i], (before, int(np.floor(before * scales[i]))))
    if any(before != behind for _, (before, behind) in result) and node.text("mode", "nearest") != "nearest":
        raise Unsupported(f"its mode is {node.text('mode', '')!r}", "use the mode nearest, or a transposed convolution")
    return result


def nearest_places(node: OnnxNode, scale: float, sizes: tuple[int, int]) -> Array:
    """The pixel of the image, of sizes[0] pixels, that each of sizes[1] resampled pixels is; computed in float32."""
    before, behind = sizes
    if before == behind and scale == 1.0:
        return np.arange(before)
    x, factor = np.arange(behind, dtype=np.float32), np.float32(scale)
    older = node.since < 11
    mode = "asymmetric" if older else node.text("coordinate_transformation_mode", "half_pixel")
    match mode:
        case "asymmetric":
            place = x / factor
        case "half_pixel":
            place = (x + np.float32(0.5)) / factor - np.float32(0.5)
        case "pytorch_half_pixel":
            place = (x + np.float32(0.5)) / factor - np.float32(0.5) if behind > 1 else np.zeros_like(x)
        case "half_pixel_symmetric":
            adjusted = np.float32(behind) / (factor * np.float32(before))
            centre = np.float32(before / 2)
            place = centre * (1 - adjusted) + (x + np.float32(0.5)) / factor - np.float32(0.5)
        case "tf_half_pixel_for_nn":
            place = (x + np.float32(0.5)) / factor
        case "align_corners":
            place = x * np.float32(before - 1) / np.float32(max(behind - 1, 1))
        case _:
            raise Unsupported(f"its coordinate_transformation_mode is {mode!r}", "use asymmetric or half_pixel")
    rounding = "floor" if older else node.text("nearest_mode", "round_prefer_floor")
    if rounding not in _NEAREST:
        raise Unsupported(f"its nearest_mode is {rounding!r}", "check the model with onnx.checker")
    return np.clip(_NEAREST[rounding](place), 0, before - 1).astype(np.int64)
