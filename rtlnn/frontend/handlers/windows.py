"""The sliding window that a node's attributes describe."""

from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.ops import Window

__all__ = ["declared_pads", "spread", "transposed_pads", "window_of"]

Sizes = tuple[int, ...]


def _same_pads(size: int, extent: int, stride: int, lower: bool) -> tuple[int, int]:
    """Padding before and after, so that the output has ceil(size / stride) positions."""
    return _halves(max((-(-size // stride) - 1) * stride + extent - size, 0), lower)


def _halves(total: int, lower: bool) -> tuple[int, int]:
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)


def _two(values: Sizes) -> tuple[int, int]:
    """(rows, columns) of one or two dimensions."""
    return (1, values[0]) if len(values) == 1 else (values[0], values[1])


def _steps(node: OnnxNode, size: Sizes, kernel: Sizes) -> tuple[Sizes, Sizes]:
    """Strides and dilations."""
    rank = len(kernel)
    if rank not in (1, 2) or len(size) != rank:
        raise Unsupported(f"a kernel of {tuple(kernel)} meets an image of {size}", "1 and 2 dimensions are supported")
    declared = node.integers("kernel_shape")
    if declared is not None and declared != tuple(kernel):
        raise Unsupported(f"kernel_shape says {declared}, the weights have {kernel}", "export the model again")
    strides, dilations = (node.integers(name) or (1,) * rank for name in ("strides", "dilations"))
    if len(strides) != rank or len(dilations) != rank or min(*kernel, *strides, *dilations) < 1:
        raise Unsupported(
            f"its kernel {tuple(kernel)}, strides {strides} and dilations {dilations} are not {rank} positive numbers",
            "check the model with onnx.checker",
        )
    return strides, dilations


def _extents(kernel: Sizes, dilations: Sizes) -> Sizes:
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True))


def _explicit(node: OnnxNode, rank: int) -> Sizes:
    pads = node.integers("pads") or (0,) * (2 * rank)
    if len(pads) != 2 * rank or min(pads) < 0:
        raise Unsupported(f"its pads {pads} are not {2 * rank} numbers from 0 on", "crop the data before the network")
    return pads


def _mode(node: OnnxNode) -> str:
    mode = node.text("auto_pad", "NOTSET")
    if mode not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
        raise Unsupported(f"its auto_pad is {mode!r}", "use explicit pads")
    return mode


def declared_pads(node: OnnxNode, size: Sizes, kernel: Sizes) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) as the node's attributes say, without what `ceil_mode` adds."""
    strides, dilations = _steps(node, size, kernel)
    rank, mode = len(kernel), _mode(node)
    if mode == "NOTSET":
        pads = _explicit(node, rank)
    elif mode == "VALID":
        pads = (0,) * (2 * rank)
    else:
        extents = _extents(kernel, dilations)
        pairs = [_same_pads(s, e, t, mode == "SAME_LOWER") for s, e, t in zip(size, extents, strides, strict=True)]
        pads = (*(p[0] for p in pairs), *(p[1] for p in pairs))
    return (0, pads[0], 0, pads[1]) if rank == 1 else (pads[0], pads[1], pads[2], pads[3])


def window_of(node: OnnxNode, size: Sizes, kernel: Sizes) -> Window:
    """The window of a convolution or pool over an image of `size`; one-dimensional ones become one row.

    With `ceil_mode` the last position of a row or column may hang over the padding, but not begin behind the image:
    the window then has larger pads. Raises `Unsupported` for attributes that make no sense.
    """
    strides, dilations = _steps(node, size, kernel)
    pads = list(declared_pads(node, size, kernel))
    window = Window(_two(kernel), _two(strides), (pads[0], pads[1], pads[2], pads[3]), _two(dilations))
    if not node.integer("ceil_mode", 0):
        return window
    for axis, length in enumerate(_two(size)):
        stride, extent, before, after = window.stride[axis], window.extent[axis], pads[axis], pads[axis + 2]
        positions = max(-(-(length + before + after - extent) // stride), 0) + 1
        if (positions - 1) * stride >= length + before:
            positions -= 1
        pads[axis + 2] = max((positions - 1) * stride + extent - before - length, after)
    return Window(window.kernel, window.stride, (pads[0], pads[1], pads[2], pads[3]), window.dilation)


def spread(count: int, stride: int, step: int) -> tuple[int, ...]:
    """A table of `Rearrange`: `count` entries that are `step` apart, with `stride` - 1 empty ones between them."""
    return tuple(n // stride * step if n % stride == 0 else -1 for n in range((count - 1) * stride + 1))


def transposed_pads(node: OnnxNode, size: Sizes, kernel: Sizes) -> tuple[Window, tuple[int, int]]:
    """Kernel, stride, dilation and pads of a ConvTranspose as its attributes mean them, and its output's size.

    Pads are cut off the result; with `output_shape` they follow from it.
    """
    strides, dilations = _steps(node, size, kernel)
    rank, mode = len(kernel), _mode(node)
    extra = node.integers("output_padding") or (0,) * rank
    if len(extra) != rank or min(extra) < 0:
        raise Unsupported(f"its output_padding is {extra}", f"{rank} numbers from 0 on are supported")
    extents = _extents(kernel, dilations)
    full = [(s - 1) * t + e + x for s, t, e, x in zip(size, strides, extents, extra, strict=True)]
    wanted = node.integers("output_shape")
    if wanted is None and mode in ("SAME_UPPER", "SAME_LOWER"):
        wanted = tuple(s * t for s, t in zip(size, strides, strict=True))
    if wanted is not None:
        wanted = wanted[-rank:]
        pairs = [_halves(max(f - w, 0), mode != "SAME_UPPER") for f, w in zip(full, wanted, strict=True)]
        result, before = wanted, tuple(p[0] for p in pairs)
    else:
        pads = _explicit(node, rank) if mode == "NOTSET" else (0,) * (2 * rank)
        before = pads[:rank]
        result = tuple(f - a - b for f, a, b in zip(full, before, pads[rank:], strict=True))
    if min(result) < 1:
        raise Unsupported(f"its output would be of size {result}", "use smaller pads")
    top, left = (0, before[0]) if rank == 1 else (before[0], before[1])
    return Window(_two(kernel), _two(strides), (top, left, 0, 0), _two(dilations)), _two(result)
