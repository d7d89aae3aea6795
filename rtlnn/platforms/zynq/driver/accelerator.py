"""A configured board: frames in, frames out."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import Buffer, Design, DriverError, Registers
from .engine import MM2S, S2MM, Channel

__all__ = ["Accelerator"]

TRANSFER_BYTES = 1 << 20
"""Of frames in one transfer, where the user does not choose: enough that starting it takes no time to speak of."""

# the shell
SHELL_MAGIC, SHELL_VERSION, SHELL_DESIGN_LOW, SHELL_DESIGN_HIGH = 0x00, 0x04, 0x08, 0x0C
SHELL_STATUS, SHELL_FRAMES_IN, SHELL_FRAMES_OUT, SHELL_CONTROL = 0x18, 0x1C, 0x20, 0x24
MAGIC, VERSION = 0x4E4E5452, 1
FRAME_ERROR, INPUT_ERROR, WEIGHTS_LOADED = 1, 2, 4


class Accelerator:
    """A configured board.

    Parameters
    ----------
    design : the build
    shell, dma : registers of the shell and of the DMA engine
    allocate : makes a buffer of so many bytes, see `Buffer`
    weights_dma, weights : registers of the engine for weights, and their bytes; where the design loads weights
    timeout : seconds without a transfer's end that make a failure
    frames : most frames of a transfer; two buffers for so many are kept on each side

    Raises `DriverError` if the board holds another design.
    """

    def __init__(
        self,
        design: Design,
        shell: Registers,
        dma: Registers,
        allocate: Callable[[int], Buffer],
        *,
        weights_dma: Registers | None = None,
        weights: bytes | None = None,
        timeout: float = 10.0,
        frames: int | None = None,
    ) -> None:
        self.design, self.shell, self.dma, self.timeout = design, shell, dma, timeout
        self._allocate = allocate
        self._check()
        largest = max(design.input.stride, design.output.stride)
        self.frames = min(frames or max(1, TRANSFER_BYTES // largest), design.most_frames)
        self._to, self._from = Channel(dma, MM2S, "to the network"), Channel(dma, S2MM, "from the network")
        self._weights = Channel(weights_dma, MM2S, "weights") if weights_dma else None
        self._inputs: list[Buffer] = []
        self._outputs: list[Buffer] = []
        self.reset()
        if weights is not None and not shell.read(SHELL_STATUS) & WEIGHTS_LOADED:
            self.load_weights(weights)

    def _check(self) -> None:
        read, wanted = self.shell.read, self.design
        if (magic := read(SHELL_MAGIC)) != MAGIC:
            raise DriverError(f"no network is there: the first register reads {magic:#010x}; configure {wanted.name}")
        if (version := read(SHELL_VERSION)) != VERSION:
            raise DriverError(f"the bitstream's registers have version {version}, this driver knows {VERSION}")
        found = read(SHELL_DESIGN_LOW) | read(SHELL_DESIGN_HIGH) << 32
        if found != wanted.design:
            raise DriverError(
                f"another design is loaded: {found:016x}, but {wanted.name} is {wanted.design:016x}; take the "
                "bitstream and the driver from the same build"
            )

    def reset(self) -> None:
        """Stop whatever is under way; weights stay."""
        self.shell.write(SHELL_CONTROL, 1)  # nothing comes or goes while the engine is reset
        for channel in (self._to, self._from, *([self._weights] if self._weights else [])):
            channel.reset()
            self._wait(channel.ready, "the DMA engine's reset")
        self.shell.write(SHELL_CONTROL, 0)

    def load_weights(self, weights: bytes) -> None:
        """Send the weights. Raises `DriverError` unless the design takes them."""
        channel = self._weights
        if channel is None or self.design.weight_bytes != len(weights):
            wanted = self.design.weight_bytes or "no"
            raise DriverError(f"{self.design.name} takes {wanted} bytes of weights, not {len(weights)}")
        data = np.frombuffer(weights, np.uint8)
        buffer = self._allocate(len(data))
        buffer[: len(data)] = data
        buffer.flush()
        channel.start(buffer.device_address, len(data))
        self._wait(channel.complete, "the weights")
        buffer.freebuffer()
        self._wait(lambda: bool(self.shell.read(SHELL_STATUS) & WEIGHTS_LOADED), "the weights")

    def run(self, frames: NDArray[np.integer]) -> NDArray[np.int64]:
        """The network's integers [N, H, W, C] for its input's [N, H, W, C], within range.

        While a transfer is under way, the next one's frames are put into the other buffer, and follow at once. Raises
        `DriverError` if the hardware fails; the board is reset then, and can be used again.
        """
        shape, (low, high) = self.design.input.shape, self.design.input.bounds
        if frames.shape[1:] != shape or frames.dtype.kind not in "iu":
            wanted = f"integers [N, {', '.join(map(str, shape))}]"
            raise ValueError(f"frames are {wanted}, not {frames.dtype} {list(frames.shape)}")
        if frames.size and not low <= frames.min() <= frames.max() <= high:
            raise ValueError(f"values are from {frames.min()} to {frames.max()}; the network takes {low} to {high}")
        if not self.shell.read(SHELL_STATUS) & WEIGHTS_LOADED:
            raise DriverError(f"{self.design.name} has no weights yet: give the build's mem/weights.bin")
        try:
            parts = list(self._run(frames))
        except DriverError as error:
            status = self.shell.read(SHELL_STATUS)
            counts = self.shell.read(SHELL_FRAMES_IN), self.shell.read(SHELL_FRAMES_OUT)
            self.reset()
            raise DriverError(f"{error}; the shell's status is {status:#x}, frames in and out: {counts}") from None
        empty = np.empty((0, *self.design.output.shape), np.int64)
        return np.concatenate([empty, *parts])

    def _run(self, frames: NDArray[np.integer]) -> Iterator[NDArray[np.int64]]:
        source, sink = self.design.input, self.design.output
        self._make_buffers()
        waiting: int | None = None  # frames of the transfer that is under way
        for number, first in enumerate(range(0, len(frames), self.frames)):
            batch = frames[first : first + self.frames]
            buffer = self._inputs[number % 2]
            self._put(buffer, batch)
            if waiting is None:
                self._from.start(self._outputs[number % 2].device_address, len(batch) * sink.stride)
            else:
                self._wait(self._to.complete, "a transfer to the network")
            self._to.start(buffer.device_address, len(batch) * source.stride)
            if waiting is not None:
                self._wait(self._received, "a transfer from the network")
                self._from.start(self._outputs[number % 2].device_address, len(batch) * sink.stride)
                yield self._get(self._outputs[(number - 1) % 2], waiting)
            waiting = len(batch)
        if waiting is not None:
            self._wait(self._received, "a transfer from the network")
            yield self._get(self._outputs[number % 2], waiting)
            self._wait(self._to.complete, "a transfer to the network")
            if self.shell.read(SHELL_STATUS) & (FRAME_ERROR | INPUT_ERROR):
                raise DriverError("the shell reports frames of a wrong length")

    def _received(self) -> bool:
        """Whether results have come. Raises `DriverError` for a failure on either side: without frames none would."""
        self._to.complete()
        return self._from.complete()

    def _make_buffers(self) -> None:
        if not self._inputs:
            for buffers, port in ((self._inputs, self.design.input), (self._outputs, self.design.output)):
                buffers += [self._allocate(self.frames * port.stride) for _ in range(2)]

    def _put(self, buffer: Buffer, batch: NDArray[np.integer]) -> None:
        port = self.design.input
        rows = np.zeros((len(batch), port.stride), np.uint8)
        flat = np.ascontiguousarray(batch.reshape(len(batch), -1), f"<{port.dtype}")
        rows[:, : port.frame_bytes] = flat.view(np.uint8)
        buffer[: rows.size] = rows.reshape(-1)
        buffer.flush()

    def _get(self, buffer: Buffer, count: int) -> NDArray[np.int64]:
        port = self.design.output
        buffer.invalidate()
        rows = np.array(buffer[: count * port.stride], np.uint8).reshape(count, port.stride)
        flat = np.ascontiguousarray(rows[:, : port.frame_bytes]).view(f"<{port.dtype}")
        return flat.reshape(count, *port.shape).astype(np.int64)

    def __call__(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Real values [N, H, W, C] in, real values [N, H, W, C] out: what a model does around that is not done here."""
        port, out = self.design.input, self.design.output
        scaled = np.rint(np.asarray(x, np.float32) / np.float32(port.scale)) + port.zero_point
        y = self.run(np.clip(scaled, *port.bounds).astype(np.int64))
        return np.float32(out.scale) * (y - out.zero_point).astype(np.float32)

    def _wait(self, over: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + self.timeout
        while not over():
            if time.monotonic() > end:
                raise DriverError(f"{what} did not end within {self.timeout:g} s")

    def close(self) -> None:
        """Give the buffers back; a second call does nothing."""
        for buffers in (self._inputs, self._outputs):
            while buffers:
                buffers.pop().freebuffer()

    def __enter__(self) -> "Accelerator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
