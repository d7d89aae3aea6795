"""Which step of a layer with streamed weights goes when: by pass, then by frame of the batch, then by word."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amaranth.hdl import Module, Signal, Value

from rtlnn.layers.counter import count
from rtlnn.layers.pipeline import registered
from rtlnn.layers.reorder import ReorderQueue
from rtlnn.layers.results import ResultQueue
from rtlnn.layers.streamed_parts import FrameStore, WeightTiles, available

if TYPE_CHECKING:
    from rtlnn.layers.streamed import StreamedConfig

__all__ = ["Step", "issue_steps", "word_address"]


@dataclass(frozen=True)
class Step:
    """Flags of the step that goes if `go` is high."""

    go: Signal
    first: Signal
    last: Signal
    frame_last: Signal
    pass_ends: Signal


def issue_steps(
    m: Module, c: "StreamedConfig", frames: FrameStore, tiles: WeightTiles, queue: ResultQueue | ReorderQueue
) -> Step:
    """The loops, and whether the next step can go: by pass, then by frame of the batch, then by word."""
    go, last, frame_ends, pass_ends = (Signal(name=n) for n in ("go", "step_last", "frame_ends", "pass_ends"))
    _, step_last = count(m, c.steps, go, "step")
    _, frame_last = count(m, c.batch, frame_ends, "frame")
    _, pass_last = count(m, c.passes, pass_ends, "pass")
    # registers of their own for what begins: the steps of the first pass, of the first frame, of a pass
    first_pass, first_frame, first_step = (Signal(init=1, name=f"first_{n}") for n in ("pass", "frame", "step"))
    m.d.comb += [
        last.eq(step_last),
        frame_ends.eq(go & step_last),
        pass_ends.eq(frame_ends & frame_last),
    ]
    with m.If(go):
        m.d.sync += first_step.eq(step_last)
    with m.If(frame_ends):
        m.d.sync += first_frame.eq(frame_last)
    with m.If(pass_ends):
        m.d.sync += first_pass.eq(pass_last)
    begins: Value = first_step & first_frame & first_pass if c.batch > 1 else first_step
    places = ReorderQueue.BATCHES if c.batch > 1 else c.kernel.slots
    # the last beat leaves on the sink's word, late in the cycle
    returned = registered(m, queue.credit, "returned", reset=True)
    room = available(m, "place", places, places, returned, go & begins)
    m.d.comb += [
        go.eq((frames.some | ~first_pass) & (tiles.some | ~first_frame) & (room | ~begins)),
        frames.advance.eq(go),
        frames.pass_ends.eq(pass_ends),
        frames.fresh.eq(go & first_pass),
        frames.used.eq(frame_ends & pass_last),
        frames.turn.eq(pass_ends & pass_last),
        tiles.fresh.eq(go & first_frame),
        tiles.used.eq(pass_ends),
    ]
    return Step(go, first_step, last, frame_last, pass_ends)


def word_address(m: Module, c: "StreamedConfig", step: Step) -> Signal:
    """Of the step's word in the ring: all frames of a batch read the same tile."""
    depth = c.weight_layout.depth
    address, tile = (Signal(range(max(depth, 2)), name=n) for n in ("word_address", "tile_address"))
    following = Signal.like(address)
    wraps = depth & (depth - 1) > 0
    m.d.comb += following.eq(address + 1)
    if wraps:
        with m.If(address == depth - 1):
            m.d.comb += following.eq(0)
    with m.If(step.go):
        m.d.sync += address.eq(following)
        with m.If(step.last & ~step.frame_last):
            m.d.sync += address.eq(tile)
    with m.If(step.pass_ends):
        m.d.sync += tile.eq(following)
    return address
