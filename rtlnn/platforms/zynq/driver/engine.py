"""One direction of an AXI DMA engine in simple mode (PG021), by its registers."""

from .design import DriverError, Registers

__all__ = ["MM2S", "S2MM", "Channel"]

# the DMA engine, each direction: control, status, address, length
MM2S, S2MM = 0x00, 0x30
CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
RUN, RESET, INTERRUPTS = 1 << 0, 1 << 2, 1 << 12 | 1 << 14
COMPLETE = 1 << 12
ERRORS = {4: "internal error (more came than the transfer's length)", 5: "SLVERR from memory", 6: "DECERR from memory"}


class Channel:
    """One direction of an AXI DMA engine."""

    def __init__(self, registers: Registers, base: int, name: str) -> None:
        self.registers, self.base, self.name = registers, base, name

    def start(self, address: int, length: int) -> None:
        """Begin a transfer; the one before must be complete."""
        write = self.registers.write
        write(self.base + CONTROL, RUN | INTERRUPTS)
        write(self.base + STATUS, INTERRUPTS)  # clears what the one before has left
        write(self.base + ADDRESS, address & 0xFFFFFFFF)
        write(self.base + ADDRESS_HIGH, address >> 32)
        write(self.base + LENGTH, length)

    def reset(self) -> None:
        """Stop the engine, both its directions; `ready` tells when that is done."""
        self.registers.write(self.base + CONTROL, RESET)

    def ready(self) -> bool:
        """Whether the reset is over."""
        return not self.registers.read(self.base + CONTROL) & RESET

    def complete(self) -> bool:
        """Whether the transfer is over. Raises `DriverError` if it failed."""
        status = self.registers.read(self.base + STATUS)
        errors = [text for bit, text in ERRORS.items() if status >> bit & 1]
        if errors:
            raise DriverError(f"the DMA engine, {self.name}: {'; '.join(errors)}")
        return bool(status & COMPLETE)
