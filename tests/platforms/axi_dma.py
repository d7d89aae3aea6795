"""A model of the AXI DMA engine in simple mode (PG021): its registers, its streams, and the memory that it reaches.

Independent of the driver: offsets and bits are written out again. Time is whoever calls `read` and `write`; streams are
two functions, so that a simulation, or nothing but Python, can be behind them.
"""

from collections.abc import Callable

import numpy as np

PAGE = 4096
HALTED, IDLE, SLAVE_ERROR, IOC = 1 << 0, 1 << 1, 1 << 5, 1 << 12


class Memory:
    """What the engine reads and writes; the processor's view of it is its caches, see `CachedBuffer`."""

    def __init__(self) -> None:
        self.next = 0x1_0000_0000  # above 4 GiB: both halves of an address count
        self.buffers: list[CachedBuffer] = []

    def allocate(self, size: int) -> "CachedBuffer":
        buffer = CachedBuffer(self.next, size)
        self.next += (-(-size // PAGE) + 1) * PAGE
        self.buffers.append(buffer)
        return buffer

    def find(self, address: int, length: int) -> np.ndarray:
        """The bytes there; `LookupError` unless all are of one buffer that is not freed."""
        for buffer in self.buffers:
            first = address - buffer.device_address
            if not buffer.freed and first >= 0 and first + length <= len(buffer.stored):
                return buffer.stored[first : first + length]
        raise LookupError(hex(address))


class CachedBuffer:
    """A buffer whose contents in the processor's caches and in memory differ until `flush` or `invalidate`."""

    def __init__(self, address: int, size: int) -> None:
        self.device_address = address
        self.cached = np.full(size, 0xCC, np.uint8)
        self.stored = np.full(size, 0xEE, np.uint8)
        self.freed = False

    def __getitem__(self, key):
        return self.cached[key]

    def __setitem__(self, key, value) -> None:
        self.cached[key] = value

    def flush(self) -> None:
        self.stored[:] = self.cached

    def invalidate(self) -> None:
        self.cached[:] = self.stored

    def freebuffer(self) -> None:
        assert not self.freed, "freed twice"
        self.freed = True


class Channel:
    """One direction. `begin(address, length)` starts the stream; it calls `done` or `fail` when it is over."""

    def __init__(self, word_bytes: int, begin: Callable[["Channel", int, int], None]) -> None:
        self.word_bytes, self.begin = word_bytes, begin
        self.control, self.status, self.low, self.high, self.length = 0, HALTED, 0, 0, 0
        self.epoch = 0

    def read(self, offset: int) -> int:
        return {0x00: self.control, 0x04: self.status, 0x18: self.low, 0x1C: self.high, 0x28: self.length}[offset]

    def write(self, offset: int, value: int) -> None:
        if offset == 0x00:
            if value & 4:
                self.epoch += 1
                self.control, self.status, self.low, self.high, self.length = 0, HALTED, 0, 0, 0
                return
            self.control = value
            if value & 1:
                self.status &= ~HALTED
        elif offset == 0x04:
            self.status &= ~(value & 0x7000)
        elif offset == 0x18:
            self.low = value
        elif offset == 0x1C:
            self.high = value
        elif offset == 0x28:
            assert not self.status & HALTED, "a length for an engine that does not run"
            assert self.length == 0 or self.status & IDLE, "a start while a transfer is under way"
            address = self.high << 32 | self.low
            assert address % self.word_bytes == 0, f"address {address:#x} is misaligned"
            assert 0 < value < 1 << 26, f"length {value}"
            self.length = value
            self.status &= ~IDLE
            self.begin(self, address, value)
        else:
            raise AssertionError(f"no register at {offset:#x}")

    def done(self, epoch: int, length: int | None = None) -> None:
        """The stream is over; `length` bytes have come."""
        if epoch == self.epoch:
            self.status |= IDLE | IOC
            self.length = self.length if length is None else length

    def fail(self, epoch: int, bit: int = SLAVE_ERROR) -> None:
        if epoch == self.epoch:
            self.status |= bit | HALTED | 1 << 14


class Engine:
    """Both directions."""

    def __init__(self, mm2s: Channel, s2mm: Channel | None = None) -> None:
        self.channels = {0x00: mm2s, 0x30: s2mm}

    def _of(self, offset: int) -> tuple[Channel, int]:
        base = 0x30 if offset >= 0x30 else 0x00
        channel = self.channels[base]
        assert channel is not None, f"no register at {offset:#x}"
        return channel, offset - base

    def read(self, offset: int) -> int:
        channel, at = self._of(offset)
        return channel.read(at)

    def write(self, offset: int, value: int) -> None:
        assert 0 <= value < 1 << 32
        channel, at = self._of(offset)
        if at == 0x00 and value & 4:  # one reset for both
            for each in self.channels.values():
                if each is not None:
                    each.write(0x00, 4)
            return
        channel.write(at, value)
