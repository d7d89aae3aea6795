"""What lies between two layers: queues, width converters, registers."""

from rtlnn.layers.component import LayerConfig
from rtlnn.layers.crossing import CrossingConfig
from rtlnn.layers.fifo import FifoConfig, SkidConfig
from rtlnn.layers.gearbox import GearboxConfig
from rtlnn.layers.stream import StreamFormat

__all__ = ["links_between"]


def links_between(
    source: StreamFormat,
    target: StreamFormat,
    depth: int = 0,
    blocks: bool = True,
    met_by_guard: bool = False,
    turns: bool = False,
    borders: int = 0,
) -> list[tuple[str, LayerConfig]]:
    """The stages from a stream to an input, each with what its name ends with.

    Parameters
    ----------
    source, target : what comes, and what the input takes
    depth : of a queue, 0 for none; it stands on the side with fewer lanes
    blocks : whether a deep queue is in block RAM
    met_by_guard : whether the stream comes straight from a guard, to an input of a join
    turns : whether the input is read in turn with others: a beat in each cycle of its turn, and between these none, so
        that what is made wider has to wait in the queue as it will be read
    borders : between dies, on the way; they are crossed where there are fewer lanes, before any queue
    """
    found: list[tuple[str, LayerConfig]] = []
    before = source.elements <= target.elements and not turns
    narrow = source.elements <= target.elements

    def queue(fmt: StreamFormat) -> None:
        found.append(("queue", FifoConfig.of(fmt, depth) if blocks else FifoConfig(fmt, depth)))

    if borders and narrow:
        found.append(("crossing", CrossingConfig(source, borders)))
    if depth and before:
        queue(source)
    elif met_by_guard and not depth and not borders and source.same_beats(target):
        # a guard has no registers, and a join answers one input when it sees the other
        found.append(("skid", SkidConfig(source)))
    if not source.same_beats(target):
        found.append(("gearbox", GearboxConfig(source, target)))
    if borders and not narrow:
        found.append(("crossing", CrossingConfig(target, borders)))
    if depth and not before:
        queue(target)
    return found
