"""Tables and the index of the largest channel: every bit and cycle."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtlnn.errors import CheckFailed
from rtlnn.ir.types import FixedFormat
from rtlnn.layers.component import MemoryPort, Resources
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.rom import port_resources
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.table import TableConfig
from rtlnn.ops import ArgMax, Table
from rtlnn.plan.simple import SimpleOption
from rtlnn.plan.tasks import tasks_of
from tests.hardware import Design, Stage, branches
from tests.integer_graphs import Builder, fixed

Rng = np.random.Generator


def _looked_up(builder: Builder, output: FixedFormat, by_channel: bool = False) -> Builder:
    """A random table for every code, in a larger one."""
    f = builder.format
    shape = (f.hi - f.lo + 6,)
    table = builder.rng.integers(output.lo, output.hi + 1, (builder.channels, *shape) if by_channel else shape)
    return builder.add(Table(output, f.lo - 3), "table", t=(table, output))


def test_tables_of_all_kinds_and_the_largest_channel(rng: Rng, tmp_path: Path) -> None:
    builder = _looked_up(Builder(rng, (3, 4, 5), 5, True), fixed(6))
    _looked_up(builder, fixed(9, True), by_channel=True)
    _looked_up(builder, fixed(10))
    # from block RAM, with a reader too many
    _looked_up(builder, fixed(3))
    builder.add(ArgMax(), "largest")
    graph = builder.graph(narrowed=False)
    branches(graph, [2, 3, 1, 5, 3], builder.frames(4), tmp_path)


def test_the_first_of_equal_channels(rng: Rng, tmp_path: Path) -> None:
    builder = Builder(rng, (3, 3, 7), 2, signed=True).add(ArgMax(), "largest")
    branches(builder.graph(narrowed=False), [4], builder.frames(4), tmp_path)


def test_a_wrong_entry_is_found(rng: Rng, tmp_path: Path) -> None:
    builder = _looked_up(Builder(rng, (4, 4, 2), 3), fixed(3, True))
    graph = builder.graph(narrowed=False)
    option = SimpleOption(tasks_of(graph)[0], 2)
    words = list(option.contents()["table"])
    words[5] ^= 4
    frames = builder.frames(3)
    design = Design.of([Stage("table", option.layer, {"table": words})], tmp_path)
    with pytest.raises(CheckFailed, match="no stalls"):
        design.check(frames, graph.evaluate(frames)[graph.outputs[0]])


def test_what_tables_lie_in() -> None:
    byte = TableConfig(StreamFormat(6, 8, False, 6, 9), 8, True)
    (port,) = byte.memories
    assert (port.kind, port.readers, port.copies) == (MemoryKind.LUTRAM, 6, 6)
    assert port_resources(port).lut == 6 * 32
    (wide,) = replace(byte, source=StreamFormat(5, 12, False, 5, 9)).memories
    assert (wide.kind, wide.ports, wide.copies) == (MemoryKind.BRAM, 2, 3)
    assert port_resources(wide) == Resources(bram36=3.0)
    own = replace(byte, source=StreamFormat(3, 8, False, 6, 9), by_channel=True).memories
    assert own == tuple(MemoryPort(f"table{n}", 8, 512, MemoryKind.LUTRAM) for n in range(3))
