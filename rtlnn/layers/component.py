"""What every layer of the hardware has in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.stream import StreamFormat
from rtlnn.layers.timing import Events, Link

__all__ = ["LayerConfig", "MemoryPort", "PassingLayer", "Resources", "StreamingLayer", "memory_members"]


@dataclass(frozen=True)
class Resources:
    """Estimated cells; `bram36` counts half blocks as 0.5."""

    lut: int = 0
    ff: int = 0
    dsp: int = 0
    bram36: float = 0.0
    uram: int = 0

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.dsp + other.dsp,
            self.bram36 + other.bram36,
            self.uram + other.uram,
        )


@dataclass(frozen=True)
class MemoryPort:
    """A memory that a layer reads: data two cycles after the address.

    The layer's ports are `<name>_address` (out) and `<name>_data` (in), of all readers one after another.

    Parameters
    ----------
    name : see above
    width : bits of a word
    depth : words
    kind : what it is made of; None for what is usual for so many words
    readers : how many words are read at once
    registered : data come straight from a register, for an adder follows
    written : the layer itself fills it, through its ports `write_enable`, `write_place` and `write_word`: the words of
        all such memories side by side, the first one's lowest
    reloadable : its contents may be replaced
    """

    name: str
    width: int
    depth: int
    kind: MemoryKind | None = None
    readers: int = 1
    registered: bool = False
    written: bool = False
    reloadable: bool = False

    @property
    def address_bits(self) -> int:
        """Of one reader."""
        return max((self.depth - 1).bit_length(), 1)

    @property
    def ports(self) -> int:
        """Readers of each copy of the memory: a block RAM has two ports, of which loading takes one."""
        block = not self.loaded and (self.kind or MemoryKind.of(self.depth)) is MemoryKind.BRAM
        return 2 if block and self.readers > 1 else 1

    @property
    def copies(self) -> int:
        return -(-self.readers // self.ports)

    @property
    def loaded(self) -> bool:
        """Whether it is filled through the design's port for weights."""
        return self.kind is MemoryKind.URAM or self.reloadable


class StreamingLayer(ABC):
    """A frozen dataclass with everything that a layer's hardware depends on, and its static facts.

    Equal configurations are the same hardware, which is converted to Verilog once. The component's streams are called
    as `input_names` and `output_names` say.
    """

    @property
    @abstractmethod
    def inputs(self) -> tuple[StreamFormat, ...]:
        """Formats of the streams that come in."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[StreamFormat, ...]:
        """Formats of the streams that go out."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """`i` if there is one input; else `i0`, `i1`, ..."""
        return _names("i", len(self.inputs))

    @property
    def output_names(self) -> tuple[str, ...]:
        """`o` if there is one output; else `o0`, `o1`, ..."""
        return _names("o", len(self.outputs))

    @property
    def memories(self) -> tuple[MemoryPort, ...]:
        """The memories beside the component."""
        return ()

    @property
    def streamed(self) -> StreamFormat | None:
        """Format of the last input where it brings weights from external memory; then the layer has a `batch`."""
        return None

    @property
    def frame_inputs(self) -> tuple[StreamFormat, ...]:
        """The inputs that bring frames."""
        return self.inputs[:-1] if self.streamed else self.inputs

    @property
    def cycles(self) -> int:
        """Cycles a frame that the layer is busy: no interval can be shorter."""
        return max(fmt.beats for fmt in (*self.inputs, *self.outputs))

    @property
    @abstractmethod
    def resources(self) -> Resources:
        """The estimated cost, without memories beside it."""

    @abstractmethod
    def timing(self, i: Sequence[Link], o: Sequence[Link]) -> Sequence[Events]:
        """Say what every beat of all inputs and outputs waits for, exactly; returns the events in between."""

    @abstractmethod
    def component(self) -> wiring.Component:
        """The hardware."""


class LayerConfig(StreamingLayer):
    """A layer with one stream on each side, `i` and `o`."""

    @property
    @abstractmethod
    def input(self) -> StreamFormat:
        """Format of the stream `i`."""

    @property
    @abstractmethod
    def output(self) -> StreamFormat:
        """Format of the stream `o`."""

    @property
    def inputs(self) -> tuple[StreamFormat, ...]:
        return (self.input,)

    @property
    def outputs(self) -> tuple[StreamFormat, ...]:
        return (self.output,)

    @abstractmethod
    def waits(self, i: Link, o: Link) -> Sequence[Events]:
        """Say what every beat of both links waits for, exactly; returns the events in between."""

    def timing(self, i: Sequence[Link], o: Sequence[Link]) -> Sequence[Events]:
        return self.waits(i[0], o[0])


@dataclass(frozen=True)
class PassingLayer(LayerConfig):
    """A layer that passes on its beats as they are."""

    format: StreamFormat

    @property
    def input(self) -> StreamFormat:
        return self.format

    @property
    def output(self) -> StreamFormat:
        return self.format


def memory_members(ports: Sequence[MemoryPort]) -> dict[str, Member]:
    """The ports of a component to its memories; see `MemoryPort`."""
    found = {}
    for port in ports:
        found[f"{port.name}_address"] = Out(port.readers * port.address_bits)
        found[f"{port.name}_data"] = In(port.readers * port.width)
    return found


def _names(prefix: str, count: int) -> tuple[str, ...]:
    return (prefix,) if count == 1 else tuple(f"{prefix}{n}" for n in range(count))
