"""The drivers that a build brings along: C compiled strictly and run against a fake board, Python against a model."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from axi_dma import Channel, Engine, Memory

import rtlnn
from rtlnn import runtime
from rtlnn.builder import build
from rtlnn.errors import CheckFailed, InputError
from rtlnn.options import Options
from rtlnn.platforms.identity import design_id
from rtlnn.sim.reference import load as load_reference
from rtlnn.sim.result import Level
from rtlnn.sim.simulate import simulate
from tests import vivado_recorder

HERE = Path(__file__).parent
DIGITS = Path(rtlnn.__file__).parents[1] / "examples/digits"
TOP = "mlp_int8"


@pytest.fixture(scope="module", params=["pynq-z2", "zcu102", "kv260"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / "build"
    build(DIGITS / "mlp_int8.onnx", folder, Options(platform=request.param))
    return folder


def compile_c(built: Path, folder: Path, *sources: str, fault: tuple[str, str] | None = None) -> Path:
    """A program of the driver, the fake board and `sources`; `fault` is planted into the driver."""
    for source in ("fake_zynq.h", "fake_zynq.c", "fake_zynq_test.c"):
        text = (HERE / source).read_text().replace("NET_", f"{TOP.upper()}_").replace("net_", f"{TOP}_")
        (folder / source).write_text(text.replace('"net.h"', f'"{TOP}.h"'))
    driver = (built / f"host/{TOP}.c").read_text()
    if fault:
        assert fault[0] in driver
        driver = driver.replace(*fault)
    (folder / f"{TOP}.c").write_text(driver)
    command = ["gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes"]
    command += ["-include", "fake_zynq.h", "-I", str(built / "host"), f"{TOP}.c", "fake_zynq.c", *sources, "-o", "test"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "test"


def test_the_c_driver(built: Path, tmp_path: Path) -> None:
    done = subprocess.run([compile_c(built, tmp_path, "fake_zynq_test.c")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "good\n")


def test_the_c_driver_takes_the_vendors_caches(built: Path, tmp_path: Path) -> None:
    """Where the stand-alone library is, its functions are called, with their own types."""
    (tmp_path / "xil_cache.h").write_text(
        "#include <stdint.h>\ntypedef intptr_t INTPTR;\nvoid Xil_DCacheFlushRange(INTPTR address, uint32_t bytes);\n"
        "void Xil_DCacheInvalidateRange(INTPTR address, uint32_t bytes);\n"
    )
    command = ["gcc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", str(built / f"host/{TOP}.c")]
    for include, count in (([], 0), (["-I", str(tmp_path)], 2)):
        subprocess.run([*command, "-I", str(built / "host"), *include, "-o", "driver.o"], cwd=tmp_path, check=True)
        names = subprocess.run(["nm", "-u", "driver.o"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert names.stdout.count("Xil_DCache") == count


def test_the_example_in_c(built: Path, tmp_path: Path) -> None:
    program = compile_c(built, tmp_path, str(built / "host/main.c"))
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{TOP}: 0 of 40 values are wrong\n")


@pytest.mark.parametrize("built", ["pynq-z2"], indirect=True)
@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("_FLUSH(input,", "_INVALIDATE(input,", "other memory than the results is invalidated"),
        ("#define S2MM 0x30u", "#define S2MM 0x34u", "no register of the engine"),
        ("#define DMA_LENGTH 0x28u", "#define DMA_LENGTH 0x20u", "no register of the engine"),
        ("begin(device->dma, S2MM, output", "begin(device->dma, S2MM, input", "other memory than the results"),
        ("INTERRUPTS); /* clears", "0u); /* clears", "with the end of the transfer before"),
    ],
)
def test_a_fault_in_the_c_driver_is_noticed(built: Path, tmp_path: Path, right: str, wrong: str, message: str) -> None:
    program = compile_c(built, tmp_path, "fake_zynq_test.c", fault=(right, wrong))
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode
    assert message in done.stdout


def test_the_script_of_a_build(built: Path, tmp_path: Path) -> None:
    calls = vivado_recorder.record(built / "kernel/build.tcl", tmp_path, "design")
    assert calls[-1].name == "save_bd_design"


class FakeBoard:
    """PYNQ on a board whose logic is the reference."""

    def __init__(self, built: Path, design: int) -> None:
        self.memory, self.reference, self.waiting = Memory(), load_reference(built), []
        interface = runtime.load(built, "reference").interface
        self.source, self.sink = interface.input, interface.output
        self.word = 8 if "pynq-z2" in str(built) else 16
        self.dma = Engine(Channel(self.word, self._send), Channel(self.word, self._receive))
        self.results: list[bytes] = []
        self.shell = {0x00: 0x4E4E5452, 0x04: 1, 0x08: design & 0xFFFFFFFF, 0x0C: design >> 32, 0x18: 4}
        self.overlays: list[str] = []

    def module(self) -> SimpleNamespace:
        bases = {"core": 1, "dma": 2}
        parts = {name: {"phys_addr": base, "addr_range": 0x10000} for name, base in bases.items()}

        def overlay(path: str) -> SimpleNamespace:
            self.overlays.append(path)
            return SimpleNamespace(ip_dict=parts)

        def mmio(base: int, size: int) -> object:
            if base == bases["dma"]:
                return self.dma
            return SimpleNamespace(read=lambda at: self.shell.get(at, 0), write=self.shell.__setitem__)

        def allocate(shape: tuple[int], dtype: type) -> object:
            assert dtype is np.uint8
            return self.memory.allocate(*shape)

        return SimpleNamespace(Overlay=overlay, MMIO=mmio, allocate=allocate)

    def _stride(self, size: int) -> int:
        return -(-size // self.word) * self.word

    def _send(self, channel: Channel, address: int, length: int) -> None:
        rows = self.memory.find(address, length).reshape(-1, self._stride(self.source.frame_bytes))
        flat = np.ascontiguousarray(rows[:, : self.source.frame_bytes]).view(f"<{self.source.dtype}")
        made = self.reference.run(flat.reshape(-1, *self.source.shape).astype(np.int64))
        out = np.zeros((len(made), self._stride(self.sink.frame_bytes)), np.uint8)
        flat = made.reshape(len(made), -1).astype(f"<{self.sink.dtype}")
        out[:, : self.sink.frame_bytes] = flat.view(np.uint8)
        self.results.append(out.tobytes())
        channel.done(channel.epoch)
        self._deliver()

    def _receive(self, channel: Channel, address: int, length: int) -> None:
        self.waiting.append((channel, self.memory.find(address, length)))
        self._deliver()

    def _deliver(self) -> None:
        while self.waiting and self.results:
            (channel, place), result = self.waiting.pop(0), self.results.pop(0)
            place[: len(result)] = np.frombuffer(result, np.uint8)
            channel.done(channel.epoch, len(result))


def test_the_runtime_on_a_board(built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The model's own inputs through the PYNQ back end: what the reference gives, over several transfers."""
    board = FakeBoard(built, design_id(built))
    monkeypatch.setitem(sys.modules, "pynq", board.module())
    x = np.load(DIGITS / "test.npz")["images"][:50]
    bitstream = tmp_path / "mlp.bit"
    bitstream.touch()
    with runtime.load(built, "pynq", bitstream=bitstream, frames=8) as network:
        np.testing.assert_array_equal(network(x), runtime.load(built, "reference")(x))
    assert board.overlays == [str(bitstream)]
    assert all(buffer.freed for buffer in board.memory.buffers)


def test_the_runtime_refuses_what_it_cannot_use(built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bitstream = tmp_path / "mlp.bit"
    with pytest.raises(InputError, match="there is no bitstream"):
        runtime.load(built, "pynq", bitstream=bitstream)
    bitstream.touch()
    with pytest.raises(InputError, match="PYNQ is not here"):
        runtime.load(built, "pynq", bitstream=bitstream)
    monkeypatch.setitem(sys.modules, "pynq", FakeBoard(built, design_id(built) ^ 1).module())
    with pytest.raises(InputError, match="another design is loaded"):
        runtime.load(built, "pynq", bitstream=bitstream)


def test_a_failing_board_is_told(built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    board = FakeBoard(built, design_id(built))
    monkeypatch.setitem(sys.modules, "pynq", board.module())
    bitstream = tmp_path / "mlp.bit"
    bitstream.touch()
    network = runtime.load(built, "pynq", bitstream=bitstream)
    board.dma.channels[0].begin = lambda channel, *_: channel.fail(channel.epoch)
    with pytest.raises(CheckFailed, match="SLVERR from memory"):
        network(np.load(DIGITS / "test.npz")["images"][:3])


@pytest.fixture
def program(built: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The build's own program, without the package that made it, on a board."""
    monkeypatch.setitem(sys.modules, "pynq", FakeBoard(built, design_id(built)).module())
    monkeypatch.syspath_prepend(str(built / "host"))
    spec = importlib.util.spec_from_file_location("program", built / f"host/{TOP}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    yield loaded
    for name in [name for name in sys.modules if name.startswith("rtlnn_zynq")]:
        del sys.modules[name]


def test_the_program_of_a_build(
    built: Path, program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Integers from and to files; real numbers are quantized."""
    frames = np.random.default_rng(3).integers(-128, 127, (20, 1, 1, 64), endpoint=True)
    expected = load_reference(built).run(frames).reshape(20, 1, 1, 10)
    port = program.DESIGN.input
    for x in (frames, (port.scale * (frames - port.zero_point)).astype(np.float32)):
        np.save(tmp_path / "in.npy", x)
        monkeypatch.setattr(sys, "argv", ["program", "x.bit", str(tmp_path / "in.npy"), str(tmp_path / "out.npy")])
        program.main()
        made = np.load(tmp_path / "out.npy")
        if x is not frames:
            made = np.rint(made / np.float32(program.DESIGN.output.scale)) + program.DESIGN.output.zero_point
        np.testing.assert_array_equal(made, expected)


def test_the_self_test_of_a_build(
    built: Path,
    program: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ends(*arguments: str) -> tuple[object, str]:
        monkeypatch.setattr(sys, "argv", ["program", *arguments])
        with pytest.raises(SystemExit) as ended:
            program.main()
        return ended.value.code, "".join(capsys.readouterr())

    assert ends("x.bit", "--self-test") == (0, f"{TOP}: 0 of 40 values are wrong\n")
    code, text = ends("x.bit", "in.npy")
    assert code == 2
    assert "give inputs.npy and outputs.npy, or --self-test alone" in text
    code, _ = ends("x.bit", str(tmp_path / "in.npy"), str(tmp_path / "out.npy"))
    assert str(code).startswith("error: [Errno 2] No such file")
    monkeypatch.setattr(program, "FOLDER", tmp_path)
    shutil.copytree(built / "host/self_test", tmp_path / "self_test")
    wanted = np.load(tmp_path / "self_test/output.npy")
    wanted[1, 0, 0, 3] ^= 1
    np.save(tmp_path / "self_test/output.npy", wanted)
    assert ends("x.bit", "--self-test") == (True, f"{TOP}: 1 of 40 values are wrong\n")
    board = FakeBoard(built, design_id(built))
    board.shell[0x18] = 0
    monkeypatch.setitem(sys.modules, "pynq", board.module())
    code, _ = ends("x.bit", "--self-test")
    assert code == f"error: {TOP} has no weights yet: give the build's mem/weights.bin"
    monkeypatch.setitem(sys.modules, "pynq", FakeBoard(built, design_id(built) ^ 1).module())
    code, _ = ends("x.bit", "--self-test")
    assert str(code).startswith("error: another design is loaded")


@pytest.mark.parametrize("built", ["pynq-z2"], indirect=True)
def test_only_vitis_kernels_have_a_kernel_level(built: Path) -> None:
    with pytest.raises(InputError, match="is no Vitis kernel"):
        simulate(built, level=Level.KERNEL)
