"""From kernels to a chain of stages: boundary, width converters, names."""

import re
from collections.abc import Sequence

from rtlnn.emit.interface import StreamPort
from rtlnn.emit.names import RESERVED
from rtlnn.emit.netlist import Stage
from rtlnn.ir.types import TensorType
from rtlnn.layers.component import Resources
from rtlnn.layers.fifo import SkidConfig
from rtlnn.layers.gearbox import GearboxConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.stream import StreamFormat
from rtlnn.plan.candidate import Candidate

__all__ = ["boundary", "chain_of", "chain_resources", "identifier", "port_of"]

_LONGEST_NAME = 40


def identifier(text: str, taken: Sequence[str] = ()) -> str:
    """`text` as a Verilog identifier that is neither a keyword nor among `taken`."""
    plain = re.sub(r"[^0-9a-z]+", "_", text.removesuffix(".onnx").lower()).strip("_")[:_LONGEST_NAME].rstrip("_")
    plain = plain or "layer"
    return _unused(plain if plain[0].isalpha() else f"n{plain}", taken)


def _unused(plain: str, taken: Sequence[str]) -> str:
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
    width = next((n for n in (8, 16, 32) if f.bits <= n), None)
    if width is None or isinstance(f.scale, tuple):
        raise ValueError(f"a value of {f.bits} bits or with a scale for each channel cannot leave the design")
    h, w, c = kind.shape
    return StreamPort((h, w, c), fmt.elements, f.bits, width, f.signed, f.scale, f.zero_point)


def chain_of(
    source: TensorType, result: TensorType, kernels: Sequence[Candidate], contents: bool = True
) -> list[Stage]:
    """All stages between the input `source` and the output `result`; `contents` only if they will be emitted."""
    first = boundary(source, kernels[0].kernel.input.elements)
    stages = [Stage("frame_guard", GuardConfig(first))]
    # `<top>_kernel` is the shell's name for the whole
    names = ["frame_guard", "output_register", "kernel"]

    def convert(target: StreamFormat, name: str) -> None:
        fmt = stages[-1].layer.output
        if not fmt.same_beats(target):
            names.append(_unused(f"{name}_gearbox", names))
            stages.append(Stage(names[-1], GearboxConfig(fmt, target)))

    for candidate in kernels:
        name = identifier(candidate.task.name, names)
        names.append(name)
        convert(candidate.kernel.input, name)
        stages.append(Stage(name, candidate.kernel, candidate.contents() if contents else {}))
    last = boundary(result, kernels[-1].kernel.output.elements)
    convert(last, "output")
    stages.append(Stage("output_register", SkidConfig(last)))
    return stages


def chain_resources(stages: Sequence[Stage], kernels: Sequence[Candidate]) -> Resources:
    """The cost of everything, memories included."""
    total = Resources()
    for stage in stages:
        total = total + stage.layer.resources
    for candidate in kernels:
        total = total + candidate.memory_resources
    return total
