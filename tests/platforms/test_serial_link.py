"""A whole board in simulation, bits in, bits out, driven by the host code that drives real boards."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn import runtime
from rtlnn.errors import CheckFailed, InputError
from rtlnn.platforms.uart import protocol
from rtlnn.platforms.uart.client import Client, LinkError
from rtlnn.platforms.uart.facts import LINK_FILE
from rtlnn.platforms.uart.protocol import ESCAPE, FLAG, Answer, AnswerKind, Request, RequestKind, stuffed, unstuffed
from rtlnn.runtime.runtime import Runtime
from rtlnn.runtime.serial import SerialBackend
from rtlnn.sim.board_line import SimulatedLine, compile_board
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.result import Level
from tests.cli.models import save_inputs, save_small

BIT = 8
"""Cycles a bit: a faster line than a real one, for shorter tests."""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("made")
    save_small(made / "model.onnx")
    save_inputs(made / "data.npy")
    board = made / "board.yaml"
    text = (Path(rtlnn.__file__).parent / "platforms" / "ulx3s.yaml").read_text()
    board.write_text(text.replace("baud: 1000000", f"baud: {80_000_000 // BIT}"))
    options = rtlnn.Options(platform=board, calibration=made / "data.npy", target_interval=400)
    rtlnn.build(made / "model.onnx", made / "build", options)
    return made / "build"


@pytest.fixture(scope="module")
def library(build: Path) -> Path:
    return compile_board(BuildFolder.open(build))


class Faulty(SimulatedLine):
    """Spoils some bytes on their way, in both directions."""

    def __init__(self, library: Path, rng: np.random.Generator, rate: float) -> None:
        super().__init__(library, BIT, timeout=30_000)
        self._rng, self._rate = rng, rate

    def write(self, data: bytes, /) -> int:
        return super().write(self._spoiled(data))

    def read(self, size: int = 1, /) -> bytes:
        return self._spoiled(super().read(size))

    def _spoiled(self, data: bytes) -> bytes:
        array = np.frombuffer(data, np.uint8).copy()
        array ^= np.where(
            self._rng.random(len(array)) < self._rate, 1 << self._rng.integers(0, 8, len(array)), 0
        ).astype(np.uint8)
        return array.tobytes()


@pytest.fixture
def line(library: Path) -> Iterator[SimulatedLine]:
    with SimulatedLine(library, BIT, timeout=30_000) as line:
        yield line


def _x(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.standard_normal((count, 1, 6, 6)).astype(np.float32)


def _loaded(build: Path, line: SimulatedLine) -> tuple[Runtime, SerialBackend]:
    folder = BuildFolder.open(build)
    backend = SerialBackend(folder, line)
    return Runtime(rtlnn.reference(build).network, folder.interface, backend), backend


def test_frames_go_through_the_line(build: Path, line: SimulatedLine, rng: np.random.Generator) -> None:
    """More frames than the buffers hold, twice: no byte of the results differs, and nothing had to be mended."""
    loaded, backend = _loaded(build, line)
    backend.counts.silences = 0  # the first question comes while the chip starts
    for count in (60, 3):
        x = _x(rng, count)
        np.testing.assert_array_equal(loaded(x), rtlnn.reference(build)(x))
    assert (backend.counts.resent, backend.counts.damaged, backend.counts.silences) == (0, 0, 0)


def test_levels_of_simulation(build: Path, library: Path) -> None:
    """The chip through its line by the command; a fault that is planted into a memory is found."""
    assert library.is_file()
    assert rtlnn.simulate(build, frames=2, level=Level.BOARD).passed
    (memory, *_) = sorted((build / "mem").glob("*fc*")) or sorted((build / "mem").iterdir())
    text = memory.read_text()
    try:
        memory.write_text(text.translate(str.maketrans("0123456789abcdef", "fedcba9876543210")))
        wrong = rtlnn.simulate(build, frames=2, level=Level.BOARD)
    finally:
        memory.write_text(text)
    assert wrong.mismatches > 0
    assert not wrong.passed
    with pytest.raises(InputError, match="has no netlist; build it with --bitstream"):
        rtlnn.simulate(build, frames=2, level=Level.NETLIST)
    with pytest.raises(InputError, match="without waves"):
        rtlnn.simulate(build, level=Level.BOARD, waves=True)


def test_damaged_bytes_are_mended(build: Path, library: Path, rng: np.random.Generator) -> None:
    with Faulty(library, rng, 0.003) as line:
        loaded, backend = _loaded(build, line)
        x = _x(rng, 40)
        run = loaded.run(x)
        (scores,) = run.outputs.values()
        np.testing.assert_array_equal(scores, rtlnn.reference(build)(x))
        assert run.note.startswith(f"the line was disturbed: {backend.counts.resent} packets sent again")
        assert backend.counts.resent > 0
        assert backend.counts.damaged > 0


def test_half_a_packet_and_half_a_frame(build: Path, line: SimulatedLine, rng: np.random.Generator) -> None:
    """What a host that died has left behind does no harm to the next one."""
    client = Client(line)
    client.reset()
    line.write(Request(RequestKind.DATA, 0, 0).packet(bytes(20)))  # of 36 bytes
    line.write(Request(RequestKind.DATA, 20, 0).packet(bytes(16))[:-7])
    x = _x(rng, 2)
    np.testing.assert_array_equal(_loaded(build, line)[0](x), rtlnn.reference(build)(x))


def test_noise_and_breaks(build: Path, line: SimulatedLine, rng: np.random.Generator) -> None:
    """A line that flutters, and one that is low for long, before a host begins."""
    line.drive(rng.integers(0, 2, 3000).astype(np.uint8))
    line.drive(np.zeros(500, np.uint8))
    line.drive(np.ones(20, np.uint8))
    x = _x(rng, 2)
    np.testing.assert_array_equal(_loaded(build, line)[0](x), rtlnn.reference(build)(x))


def test_a_damaged_packet_is_refused_and_counted(line: SimulatedLine) -> None:
    client = Client(line)
    client.reset()
    good = Request(RequestKind.DATA, 0, 0).packet(bytes(36))
    line.write(good[:10] + bytes([good[10] ^ 4]) + good[11:])
    answer = _next(line)
    assert (answer.kind, answer.ack, answer.errors) == (AnswerKind.NAK, 0, 1)
    # a packet out of order is not taken, and what is in order is, once
    line.write(Request(RequestKind.DATA, 5, 0).packet(bytes(36)))
    assert _next(line).ack == 0
    line.write(good)
    line.write(good)
    assert _next(line).ack == 36
    client.reset()
    assert client.status().errors == 0


def test_more_than_there_is_room_for(line: SimulatedLine) -> None:
    """A host that does not heed the room: refused, nothing is overwritten."""
    client = Client(line)
    client.reset()
    status = client.status()
    assert status.room == 1020
    line.write(Request(RequestKind.DATA, 0, 0).packet(bytes(1021)))
    assert _next(line).kind is AnswerKind.NAK


def test_another_bitstream(build: Path, line: SimulatedLine, tmp_path: Path) -> None:
    facts = json.loads((build / LINK_FILE).read_text())
    other = tmp_path / "b"
    (other / "kernel").mkdir(parents=True)
    for path in ("interface.json", "kernel/files.f", "rtl"):
        (other / path).symlink_to(build / path)
    (other / "kernel" / "rtl").symlink_to(build / "kernel" / "rtl")
    (other / LINK_FILE).write_text(json.dumps(facts | {"build": "0123456789abcdef"}))
    with pytest.raises(InputError, match=r"another design.*load its bitstream"):
        SerialBackend(BuildFolder.open(other), line)


def test_another_version(build: Path, line: SimulatedLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "VERSION", protocol.VERSION + 1)
    with pytest.raises(InputError, match=r"another version of the link's protocol; build its bitstream again"):
        SerialBackend(BuildFolder.open(build), line)


def test_a_board_that_is_silent(build: Path, line: SimulatedLine) -> None:
    class Dead(SimulatedLine):
        def write(self, data: bytes, /) -> int:
            return len(data)

    line.__class__ = Dead
    with pytest.raises(InputError, match="did not answer"):
        SerialBackend(BuildFolder.open(build), line)


def test_a_board_that_dies(build: Path, line: SimulatedLine, rng: np.random.Generator) -> None:
    loaded, _ = _loaded(build, line)
    line.write = len  # type: ignore[method-assign]
    with pytest.raises(CheckFailed, match="did not answer"):
        loaded(_x(rng, 2))


def test_missing_port_and_other_builds(build: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"/dev/no-such-port cannot be opened: .*There are: "):
        runtime.load(build, "serial", port="/dev/no-such-port")
    with pytest.raises(InputError, match="needs the option port"):
        runtime.load(build, "serial")


def test_stuffing_is_undone(rng: np.random.Generator) -> None:
    for _ in range(50):
        body = bytes(rng.choice([FLAG, ESCAPE, 0, 0x5E, 0x5D, 255], 30).tolist())
        packet = stuffed(body)
        assert packet.count(FLAG) == 2
        assert unstuffed(packet[1:-1])[:-4] == body


def _next(line: SimulatedLine) -> Answer:
    """The next packet from the board."""
    came = bytearray()
    while came.count(FLAG) < 2:
        got = line.read()
        if not got:
            raise LinkError("nothing comes")
        came += got
    answer = Answer.of(unstuffed(bytes(came).strip(bytes([FLAG]))))
    assert answer is not None
    return answer
