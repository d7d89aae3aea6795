"""A design's boundary, and names for what is inside."""

import re
from collections.abc import Sequence

from rtlnn.emit.interface import StreamPort
from rtlnn.emit.names import RESERVED
from rtlnn.ir.types import TensorType
from rtlnn.layers.stream import StreamFormat

__all__ = ["boundary", "element_bits", "identifier", "port_of", "unused"]

_LONGEST_NAME = 40


def identifier(text: str, taken: Sequence[str] = ()) -> str:
    """`text` as a Verilog identifier that is neither a keyword nor among `taken`."""
    plain = re.sub(r"[^0-9a-z]+", "_", text.removesuffix(".onnx").lower()).strip("_")[:_LONGEST_NAME].rstrip("_")
    plain = plain or "layer"
    return unused(plain if plain[0].isalpha() else f"n{plain}", taken)


def unused(plain: str, taken: Sequence[str]) -> str:
    """`plain`, with a number if it has to be told from others."""
    name, number = plain, 2
    while name in taken or name in RESERVED:
        name = f"{plain}_{number}"
        number += 1
    return name


def boundary(kind: TensorType, elements: int) -> StreamFormat:
    """The format of a frame at the design's boundary: about `elements` elements a beat, without gaps.

    A beat has a part of a pixel's channels, or several whole pixels.
    """
    h, w, c = kind.shape
    f = kind.fixed
    if elements > c:
        pixels = min(n for n in range(1, h * w + 1) if h * w % n == 0 and n * c >= elements)
        return StreamFormat(pixels * c, f.bits, f.signed, pixels * c, h * w // pixels)
    lanes = min(n for n in range(1, c + 1) if c % n == 0 and n >= elements)
    return StreamFormat(lanes, f.bits, f.signed, c, h * w)


def port_of(kind: TensorType, fmt: StreamFormat) -> StreamPort:
    """The boundary as the outside sees it. Raises `ValueError` for a value of more than 32 bits."""
    f = kind.fixed
    if isinstance(f.scale, tuple):
        raise ValueError("a value with a scale for each channel cannot leave the design")
    h, w, c = kind.shape
    return StreamPort((h, w, c), fmt.elements, f.bits, element_bits(kind), f.signed, f.scale, f.zero_point)


def element_bits(kind: TensorType) -> int:
    """Bits of a value outside: 8, 16 or 32. Raises `ValueError` for a value of more."""
    bits = kind.fixed.bits
    if bits > 32:
        raise ValueError(f"a value of {bits} bits cannot leave the design")
    return next(n for n in (8, 16, 32) if bits <= n)
