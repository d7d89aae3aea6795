"""The grid: every kind of layer, in several sizes, with foldings drawn from all that there are."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Encoding, FixedFormat, TensorType
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import StreamingLayer
from rtlnn.layers.fifo import FifoConfig, SkidConfig
from rtlnn.layers.fork import ForkConfig
from rtlnn.layers.gearbox import GearboxConfig
from rtlnn.layers.guard import GuardConfig
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.stream import StreamFormat
from rtlnn.ops import ArgMax, Extreme, FixedSoftmax, Multiply, Precision, Rearrange, Table, Window
from rtlnn.plan.front import Front, fronts_of
from rtlnn.plan.tasks import tasks_of
from rtlnn.synthesis import Family
from tests.integer_graphs import Builder, fixed

__all__ = ["FAMILIES", "KINDS", "Sample", "samples"]

FAMILIES = {Arithmetic.DSP48E2: Family.ULTRASCALE_PLUS, Arithmetic.DSP48E1: Family.SERIES_7}
_SAME = Window((3, 3), pads=(1, 1, 1, 1))
_PICKS = 3
"""Foldings of each graph, and of each arithmetic."""

Rng = np.random.Generator
Made = Callable[[Rng], Sequence[Graph | StreamingLayer]]


@dataclass(frozen=True, eq=False)
class Sample:
    """One layer of the grid; `contents` are the words of its memories."""

    kind: str
    number: int
    arithmetic: Arithmetic
    layer: StreamingLayer
    contents: Mapping[str, Sequence[int]]

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number} {self.arithmetic.value}"


def samples(kinds: Sequence[str], picks: int = _PICKS) -> Iterator[Sample]:
    """Always the same ones: `picks` foldings of every graph of these kinds."""
    for kind in kinds:
        rng = np.random.default_rng(crc32(kind.encode()))
        number = 0
        for made in KINDS[kind](rng):
            if isinstance(made, StreamingLayer):
                yield Sample(kind, number, Arithmetic.DSP48E2, made, {})
                number += 1
                continue
            for arithmetic in FAMILIES:
                # the last layer is the one that is meant
                (front,) = fronts_of(tasks_of(made, pools=True)[-1:], arithmetic)
                for option in _drawn(front, rng, picks if arithmetic is Arithmetic.DSP48E2 else 1):
                    exact = front.candidates[option].exactly()
                    yield Sample(kind, number, arithmetic, exact.layer, exact.contents())
                    number += 1


def _drawn(front: Front, rng: Rng, count: int) -> list[int]:
    """Foldings from fast to slow: one from each of equal parts of the front, without those of very many products."""
    fewest = [n for n in range(len(front.cycles)) if front.cycles[n] * 64 >= front.cycles[-1]]
    parts = np.array_split(np.array(fewest), min(count, len(fewest)))
    return sorted({int(rng.choice(part)) for part in parts})


def _kernels(*make: Callable[[Builder], Builder], shape: tuple[int, int, int] = (8, 8, 12)) -> Made:
    def made(rng: Rng) -> list[Graph]:
        signs = (False, True) if len(make) == 1 else (False,)
        return [m(Builder(rng, shape, 8, signed)).graph() for m in make for signed in signs]

    return made


def _few(bits: int) -> Callable[[Rng], list[Graph]]:
    def made(rng: Rng) -> list[Graph]:
        small = Builder(rng, (6, 6, 16), bits)
        flat = Builder(rng, (1, 1, 64), bits)
        return [small.conv(12, _SAME, bits).requantize(bits).graph(), flat.dense(24, bits).requantize(bits).graph()]

    return made


def _joins(rng: Rng) -> list[Graph]:
    found = []
    for channels in (8, 20):
        b = Builder(rng, (4, 4, channels), 8, True).max_pool(Window((1, 1)))
        factors = rng.integers(1 << 12, 1 << 15, channels), rng.integers(1 << 12, 1 << 15, channels)
        found.append(b.plus("x", factors).requantize(signed=True).graph())
    for op in (Multiply((0, 0)), Extreme(True)):
        b = Builder(rng, (4, 4, 10), 8, True).max_pool(Window((1, 1)))
        b.add(op, "join", "x")
        found.append((b if isinstance(op, Extreme) else b.requantize()).graph())
    return found


def _concats(rng: Rng) -> list[Graph]:
    b = Builder(rng, (4, 4, 12))
    return [
        b.max_pool(Window((1, 1))).concat("x").graph(),
        b.at("x").max_pool(Window((1, 1))).concat("x", axis=1).graph(),
    ]


def _tables(rng: Rng) -> list[Graph]:
    found = []
    for bits, out in ((5, 6), (8, 8)):
        b = Builder(rng, (4, 4, 12), bits)
        fmt = fixed(out)
        b.add(Table(fmt, 0), "table", t=(rng.integers(fmt.lo, fmt.hi + 1, 1 << bits), fmt))
        found.append(b.graph(narrowed=False))
    return found


def _largest(rng: Rng) -> list[Graph]:
    return [Builder(rng, (1, 1, 20), bits, True).add(ArgMax(), "largest").graph(narrowed=False) for bits in (8, 16)]


def _softmax(rng: Rng) -> list[Graph]:
    found = []
    for channels in (10, 32):
        b = Builder(rng, (1, 1, channels), 8, True)
        kind = TensorType((1, 1, channels), FixedFormat(8, Encoding.SIGNED, 0.1))
        op, table = FixedSoftmax.of(kind, FixedFormat(8, Encoding.UNSIGNED, 1 / 255))
        fmt = fixed(int(table.max()).bit_length())
        found.append(b.add(op, "softmax", t=(table, fmt)).graph(narrowed=False))
    return found


def _rearranged(rng: Rng) -> list[Graph]:
    rows, columns = tuple(np.repeat(np.arange(6), 2).tolist()), tuple(range(6))
    up = Rearrange(tuple(72 * n for n in rows), tuple(12 * n for n in np.repeat(columns, 2).tolist()), tuple(range(12)))
    cut = Rearrange(tuple(72 * n for n in range(1, 5)), tuple(12 * n for n in range(1, 6)), tuple(range(3, 11)))
    shuffled = tuple(int(n) for n in np.arange(12).reshape(3, 4).T.ravel())
    mixed = Rearrange(tuple(72 * n for n in columns), tuple(12 * n for n in columns), shuffled)
    return [Builder(rng, (6, 6, 12)).add(op, "moved").graph(narrowed=False) for op in (up, cut, mixed)]


def _links(rng: Rng) -> list[StreamingLayer]:
    one, few, many, odd = (StreamFormat(n, 8, False, 56, 16) for n in (1, 4, 14, 8))
    return [
        *(SkidConfig(fmt) for fmt in (one, many)),
        *(GuardConfig(fmt) for fmt in (one, many)),
        *(ForkConfig(fmt, users) for fmt, users in ((few, 2), (many, 3))),
        *(GearboxConfig(a, b) for a, b in ((one, few), (many, one), (odd, StreamFormat(7, 8, False, 56, 16)))),
    ]


def _queues(rng: Rng) -> list[StreamingLayer]:
    narrow, wide = StreamFormat(1, 8, False, 56, 400), StreamFormat(8, 8, False, 56, 400)
    return [
        *(FifoConfig(fmt, depth) for fmt, depth in ((narrow, 5), (wide, 20), (wide, 50), (narrow, 150))),
        *(FifoConfig(fmt, depth, MemoryKind.BRAM) for fmt, depth in ((narrow, 700), (wide, 300), (wide, 1500))),
    ]


KINDS: Mapping[str, Made] = {
    "convolution 3x3": _kernels(lambda b: b.conv(16, _SAME).requantize()),
    "convolution, strided, dilated": _kernels(
        lambda b: b.conv(10, Window((3, 3), (2, 2), (1, 1, 1, 1))).requantize(),
        lambda b: b.conv(10, Window((3, 3), dilation=(2, 2))).requantize(),
    ),
    "convolution 1x1": _kernels(lambda b: b.conv(24, Window((1, 1))).requantize(), shape=(6, 6, 32)),
    "convolution and max pool": _kernels(lambda b: b.conv(16, _SAME).max_pool(Window((2, 2), (2, 2))).requantize()),
    "convolution, groups": _kernels(
        lambda b: b.conv(12, _SAME, groups=12).requantize(), lambda b: b.conv(12, _SAME, groups=3).requantize()
    ),
    "convolution, fast requantization": _kernels(lambda b: b.conv(16, _SAME).requantize(precision=Precision.FAST)),
    "dense": _kernels(lambda b: b.dense(24).requantize(), lambda b: b.dense(10), shape=(1, 1, 96)),
    "max pool": _kernels(lambda b: b.max_pool(Window((2, 2), (2, 2))), lambda b: b.max_pool(_SAME)),
    "average pool": _kernels(
        lambda b: b.average_pool(Window((2, 2), (2, 2))).requantize(),
        lambda b: b.average_pool(Window((8, 8))).requantize(),
    ),
    "1 and 2 bits": lambda rng: [*_few(1)(rng), *_few(2)(rng)],
    "4 bits": _few(4),
    "join": _joins,
    "concatenation": _concats,
    "table": _tables,
    "largest": _largest,
    "softmax": _softmax,
    "rearrangement": _rearranged,
    "link": _links,
    "queue": _queues,
}
"""What makes the graphs (of which the last layer is looked at), or the layers, of each kind."""
