"""The sliding window that a node's attributes describe."""

from rtlnn.frontend.node import OnnxNode
from rtlnn.frontend.problems import Unsupported
from rtlnn.ops import Window

__all__ = ["window_of"]


def _same_pads(size: int, kernel: int, stride: int, lower: bool) -> tuple[int, int]:
    """Padding before and after, so that the output has ceil(size / stride) positions."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)


def window_of(node: OnnxNode, size: tuple[int, ...], kernel: tuple[int, ...]) -> Window:
    """The window of a convolution or pool over an image of `size`; one-dimensional ones become one row.

    Raises `Unsupported` for negative pads, unknown padding modes, and a `ceil_mode` that makes a difference.
    """
    rank = len(kernel)
    if rank not in (1, 2) or len(size) != rank:
        raise Unsupported(f"a kernel of {tuple(kernel)} meets an image of {size}", "1 and 2 dimensions are supported")
    declared = node.integers("kernel_shape")
    if declared is not None and declared != tuple(kernel):
        raise Unsupported(f"kernel_shape says {declared}, the weights have {kernel}", "export the model again")
    stride = node.integers("strides") or (1,) * rank
    mode = node.text("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        pairs = [_same_pads(s, k, t, mode == "SAME_LOWER") for s, k, t in zip(size, kernel, stride, strict=True)]
        pads = (*(p[0] for p in pairs), *(p[1] for p in pairs))
    elif mode in ("NOTSET", "VALID"):
        explicit = node.integers("pads") if mode == "NOTSET" else None
        pads = explicit or (0,) * (2 * rank)
    else:
        raise Unsupported(f"its auto_pad is {mode!r}", "use explicit pads")
    if min(pads) < 0:
        raise Unsupported(f"its pads {pads} are negative", "crop the data before the network")
    if node.integer("ceil_mode", 0) and any(
        (s + pads[i] + pads[i + rank] - kernel[i]) % stride[i] for i, s in enumerate(size)
    ):
        raise Unsupported(
            "ceil_mode = 1 adds positions that hang over the edge of the image", "use ceil_mode = 0, or explicit pads"
        )
    if rank == 1:
        return Window((1, kernel[0]), (1, stride[0]), (0, pads[0], 0, pads[1]))
    return Window((kernel[0], kernel[1]), (stride[0], stride[1]), (pads[0], pads[1], pads[2], pads[3]))
