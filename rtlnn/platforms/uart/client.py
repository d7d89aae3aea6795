"""The host's end of the serial line."""

from dataclasses import dataclass
from typing import Protocol

from rtlnn.errors import RtlnnError
from rtlnn.platforms.uart.protocol import (
    CHUNK,
    FLAG,
    OFFSETS,
    Answer,
    AnswerKind,
    Hello,
    Request,
    RequestKind,
    unstuffed,
)

__all__ = ["Client", "Counts", "Line", "LinkError"]

_MOST_BYTES = 4 * CHUNK
"""Bytes of what is between two flags, more than any packet has."""


class LinkError(RtlnnError):
    """The board does not answer, or not as it should."""


class Line(Protocol):
    """A serial port, as pyserial's `Serial`: `read` waits for `size` bytes, but no longer than its time-out."""

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> object: ...

    @property
    def in_waiting(self) -> int: ...


@dataclass
class Counts:
    """What went wrong on the line and was mended.

    Parameters
    ----------
    resent : packets that the board refused, and that were sent again
    damaged : packets from the board that were damaged, and asked for again
    silences : times that the line's time-out passed without a byte
    """

    resent: int = 0
    damaged: int = 0
    silences: int = 0

    @property
    def disturbed(self) -> bool:
        """Whether there is more than silences, which are also where a board needs long."""
        return bool(self.resent or self.damaged)

    def __str__(self) -> str:
        return (
            f"{self.resent} packets sent again, {self.damaged} damaged ones received and asked for again, "
            f"{self.silences} silences"
        )


class Client:
    """Talks to a board; begin with `reset`.

    Parameters
    ----------
    line : the serial port, with a time-out of some tenths of a second
    tries : time-outs in a row, without a sign of life, after which the board is given up
    patience : time-outs without any progress, though the board lives, after which it is given up
    """

    def __init__(self, line: Line, tries: int = 10, patience: int = 300) -> None:
        self._line, self._tries, self._patience = line, tries, patience
        self.counts = Counts()
        self._partial = bytearray()
        self._room = 0
        # offsets, not modulo anything: sent, known to have arrived, results that are here
        self._sent = self._acked = self._received = 0

    def reset(self) -> None:
        """Bring the board to where both streams begin. Raises `LinkError`."""
        self._line.write(bytes([FLAG]))
        self._sent = self._acked = self._received = 0
        self._ask(RequestKind.RESET, AnswerKind.RESET)

    def hello(self) -> Hello:
        """What the board says of itself. Raises `LinkError`, also for other versions of the protocol."""
        found = Hello.of(self._ask(RequestKind.HELLO, AnswerKind.HELLO).payload)
        if found is None:
            raise LinkError(
                "the board answers, but with another version of the link's protocol; build its bitstream again"
            )
        return found

    def status(self) -> Answer:
        """The header of the board's answer. Raises `LinkError`."""
        return self._ask(RequestKind.POLL, AnswerKind.STATUS)

    def exchange(self, data: bytes, size: int) -> bytes:
        """Send `data`, whole frames, and return the `size` bytes of their results. Raises `LinkError`."""
        begin, end = self._acked, self._acked + len(data)
        results, asked, silent, idle = bytearray(), False, 0, 0
        unacknowledged = 0
        while len(results) < size:
            while self._sent < end and (piece := self._next(data, begin)):
                self._send(RequestKind.DATA, piece)
                self._sent += len(piece)
                unacknowledged = 0
            if unacknowledged >= CHUNK:
                self._send(RequestKind.POLL)
                unacknowledged = 0
            answers = self._answers()
            if answers is None:
                self.counts.silences += 1
                silent, idle, asked = silent + 1, idle + 1, True
                if silent > self._tries:
                    raise LinkError(_dead(self._tries))
                if idle > self._patience:
                    raise LinkError(
                        f"the board answers, but {len(results)} of {size} bytes of results are all it gives"
                    )
                self._sent = self._acked
                self._send(RequestKind.RESEND)
                continue
            silent = 0
            for answer in answers:
                before = self._received, self._acked
                lost = answer is None
                if answer is not None:
                    self._note(answer)
                    lost = self._take(answer, results)
                if before != (self._received, self._acked):
                    unacknowledged += self._received - before[0]
                    asked, idle = asked and self._received == before[0], 0
                if lost and not asked:
                    asked = True
                    self._send(RequestKind.RESEND)
        self._send(RequestKind.POLL)
        if len(results) > size:
            raise LinkError(f"the board gives {len(results)} bytes of results where there should be {size}")
        return bytes(results)

    def _take(self, answer: Answer, results: bytearray) -> bool:
        """Keep what is new; whether something before it is missing."""
        ahead = (answer.offset - self._received) % OFFSETS
        if answer.kind is AnswerKind.DATA and ahead == 0:
            results += answer.payload
            self._received += len(answer.payload)
            return False
        # offsets behind are repetitions
        return ahead != 0 and ahead < OFFSETS // 2

    def _note(self, answer: Answer) -> None:
        """How far the input has arrived."""
        ahead = (answer.ack - self._acked) % OFFSETS
        if ahead <= max(self._sent - self._acked, 0):
            self._acked += ahead
            self._room = answer.room
        elif ahead < OFFSETS // 2:
            # sent before a silence, and arrived after all
            self._acked += ahead
            self._sent = self._acked
            self._room = answer.room
        if answer.kind is AnswerKind.NAK:
            self.counts.resent += 1
            self._sent = self._acked

    def _next(self, data: bytes, begin: int) -> bytes:
        """The piece to send now, empty if there is no room for it."""
        room = self._room - (self._sent - self._acked)
        at = self._sent - begin
        piece = data[at : at + CHUNK]
        # the CRC is in the buffer, too, until the packet has been checked
        return piece if len(piece) <= room else b""

    def _send(self, kind: RequestKind, payload: bytes = b"") -> None:
        self._line.write(Request(kind, self._sent, self._received).packet(payload))

    def _ask(self, request: RequestKind, answer: AnswerKind) -> Answer:
        """Send `request` until its answer comes."""
        for _ in range(self._tries):
            self._send(request)
            while (answers := self._answers()) is not None:
                for found in answers:
                    if found is not None and found.kind is answer:
                        self._note(found)
                        return found
        raise LinkError(_dead(self._tries))

    def _answers(self) -> list[Answer | None] | None:
        """The packets that have come, None in place of damaged ones; None if nothing came in time."""
        came = self._line.read(max(1, self._line.in_waiting))
        if not came:
            return None
        self._partial += came
        *bodies, rest = self._partial.split(bytes([FLAG]))
        self._partial = rest if len(rest) < _MOST_BYTES else bytearray()
        found = [Answer.of(unstuffed(bytes(body))) for body in bodies if body]
        self.counts.damaged += found.count(None)
        return found


def _dead(tries: int) -> str:
    return (
        f"the board did not answer {tries} times: is it the right port, is the bitstream loaded, are speed and wires "
        "as its build says?"
    )
