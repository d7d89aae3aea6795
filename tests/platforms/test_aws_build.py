"""A build for an AWS F2 instance: its custom logic in a stand-in for the HDK, its host's programs on a fake card."""

import ctypes
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn import runtime
from rtlnn.errors import CheckFailed, InputError
from rtlnn.platforms import loader
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.toolchain import default_cache_dir, find_toolchain, run_tool
from tests.cli.models import save_inputs, save_small
from tests.onnx_models import Model
from tests.platforms.aws_hdk import make_hdk

HERE = Path(__file__).parent
STRICT = "-O1 -Werror -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wcast-qual"
OPTIONS = ("--cc", "--exe", "--build", "--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast", "-Wno-fatal",
           "-Wno-lint", "-Wno-style", "--prefix", "Vlogic")  # fmt: skip
BATCH = 32  # frames of 64 bytes in half of 4 KiB


@dataclass(frozen=True)
class Made:
    """A build, and an SDK whose card it is loaded into."""

    build: Path
    sdk: Path

    def make(self, folder: Path) -> None:
        """The host's programs in `folder`, by their Makefile."""
        command = ["make", "-s", "-C", str(folder), f"SDK_DIR={self.sdk}", f"CFLAGS={STRICT}"]
        subprocess.run([*command, f"LDFLAGS=-L{self.sdk} -Wl,-rpath,{self.sdk}"], check=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The small network with its weights in UltraRAM, memories of 4 KiB, and the compiled card."""
    folder = tmp_path_factory.mktemp("aws")
    text = (Path(loader.__file__).parent / "aws-f2.yaml").read_text()
    (folder / "small.yaml").write_text(re.sub(r"_kib: 1024", "_kib: 4", text))
    save_small(folder / "net.onnx")
    save_inputs(folder / "data.npy")
    options = {"platform": folder / "small.yaml", "calibration": folder / "data.npy"}
    bare = {**options, "platform": "zu9eg"}
    rtlnn.build(folder / "net.onnx", folder / "first", rtlnn.Options(**bare, target_interval=100))
    plan = json.loads((folder / "first/plan.json").read_text())
    assert "memory" in plan["layers"][-1]
    plan["layers"][-1]["memory"] = "uram"
    (folder / "plan.json").write_text(json.dumps(plan))
    build = folder / "build"
    rtlnn.build(folder / "net.onnx", build, rtlnn.Options(**options, plan=folder / "plan.json"))
    return Made(build, _card(build, folder / "sdk"))


def _card(build: Path, sdk: Path) -> Path:
    """The SDK's headers and library."""
    tools, cache, found = find_toolchain(), default_cache_dir(), BuildFolder.open(build)
    shutil.copytree(HERE / "aws_sdk", sdk / "userspace/include")
    shutil.copy(HERE / "fake_fpga.cpp", sdk)
    assert found.interface.kernel is not None
    sources = []
    for number, path in enumerate((*found.core_files, *found.kernel_files)):
        sources.append(f"{number}.v")
        shutil.copy(path, sdk / sources[-1])
    command = [str(tools.executable), *OPTIONS, "--top-module", found.interface.kernel, "-Mdir", "obj"]
    command += [f'-DRTLNN_MEM_DIR="{found.mem_dir}/"', "-CFLAGS", f"-std=c++20 -fPIC -I{sdk}/userspace/include"]
    command += ["-LDFLAGS", "-shared -Wl,-Bsymbolic", "-o", "libfpga_mgmt.so", str(sdk / "fake_fpga.cpp"), *sources]
    run_tool(command, sdk, tools.environment(cache), "building the card")
    shutil.copy(sdk / "obj/libfpga_mgmt.so", sdk)
    return sdk


def test_the_hdk_takes_the_custom_logic(made: Made, tmp_path: Path) -> None:
    """`make` with Vivado's commands recorded; and what Vivado would read is without a warning of the lint."""
    environment = make_hdk(tmp_path / "hdk")
    kernel = tmp_path / "build/kernel"
    shutil.copytree(made.build, tmp_path / "build")
    subprocess.run(["make", "-s", "-C", str(kernel)], env=os.environ | environment, check=True)
    lines = (tmp_path / "hdk/report.txt").read_text().partition("report:\n")[2].splitlines()
    calls = [line.split("\x1f") for line in lines]
    (synthesis,) = (call for call in calls if call[0] == "synth_design")
    assert "cl_net" in synthesis
    assert calls[-1][0] == "write_checkpoint"
    read = [word for call in calls if call[0] == "read_verilog" for word in call[2].split()]
    assert {Path(name).suffix for name in read} == {".vh", ".v", ".sv"}
    (memories,) = (call[2].split() for call in calls if call[0] == "read_mem")
    assert {Path(name).name for name in memories} == {path.name for path in (made.build / "mem").glob("*.mem")}
    header = kernel / "cl_net/build/src_post_encryption/rtlnn_mem_dir.vh"
    assert str(kernel / "cl_net/design/mem") in header.read_text()
    assert not _lint(made, kernel / "cl_net", tmp_path / "hdk")


def _lint(made: Made, logic: Path, hdk: Path) -> list[str]:
    """Verilator's warnings of the custom logic's top module."""
    sources, models = logic / "build/src_post_encryption", made.build / "sim"
    files = [sources / "rtlnn_mem_dir.vh", *sorted(sources.glob("*.v")), *models.glob("*.v"), *sources.glob("*.sv")]
    command = [
        find_toolchain().executable,
        "--lint-only",
        "-Wall",
        "-Wno-fatal",
        "-Wno-UNUSEDSIGNAL",
        "-Wno-UNUSEDPARAM",
    ]
    command += ["--top-module", "cl_net", f"-I{sources}", f"-I{hdk / 'shell/design/interfaces'}", *files]
    environment = {name: value for name, value in os.environ.items() if name != "VERILATOR_ROOT"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    ours = re.compile(r"^%Warning.*(cl_net\.sv|\.inc|cl_ports\.vh):", re.MULTILINE)
    return [line for line in done.stderr.splitlines() if ours.match(line)]


def test_faults_in_the_custom_logic_are_noticed(made: Made, tmp_path: Path) -> None:
    """An output that nothing drives, one that two lines drive in place of another, and a bus of another width."""
    make_hdk(tmp_path / "hdk")
    sources, kernel = tmp_path / "cl_net/build/src_post_encryption", made.build / "kernel"
    sources.mkdir(parents=True)
    for pattern in ("../rtl/*.v", "rtl/*.v", "cl_net/design/*"):
        for path in kernel.glob(pattern):
            shutil.copy(path, sources)
    for path in (tmp_path / "hdk/shell/design/interfaces").glob("*.inc"):
        shutil.copy(path, sources)
    (sources / "rtlnn_mem_dir.vh").write_text('`define RTLNN_MEM_DIR ""\n')
    text = re.sub(r" +\(", "(", (sources / "cl_net.sv").read_text())
    for right, wrong in (
        ("assign tdo = '0;", ""),
        (".ocl_awaddr(ocl_cl_awaddr[11:0])", ".ocl_awaddr(ocl_cl_awaddr)"),
        ("assign cl_sh_dma_rd_full = '0;", "assign cl_sh_dma_wr_full = '0;"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    (sources / "cl_net.sv").write_text(text)
    warnings = "\n".join(_lint(made, tmp_path / "cl_net", tmp_path / "hdk"))
    for name in ("'tdo'", "'ocl_awaddr'", "'cl_sh_dma_rd_full'"):
        assert name in warnings


def test_without_the_hdk(made: Made) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HDK")}
    done = subprocess.run(
        ["make", "-s", "-C", str(made.build / "kernel")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode
    assert "source hdk_setup.sh" in done.stderr


def _self_test(made: Made, folder: Path, *faults: tuple[str, str, str], slot: str = "0") -> tuple[int, str]:
    """Exit code and output of the program, with faults planted into its sources."""
    shutil.copytree(made.build / "host", folder / "host")
    (folder / "mem").symlink_to(made.build / "mem")
    for file, right, wrong in faults:
        text = (folder / "host" / file).read_text()
        assert right in text
        (folder / "host" / file).write_text(text.replace(right, wrong))
    made.make(folder / "host")
    done = subprocess.run([folder / "host/self_test", slot], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout


def test_the_self_test(made: Made, tmp_path: Path) -> None:
    assert _self_test(made, tmp_path) == (0, "net: 0 of 12 values are wrong\n")


FAULTS = {
    "another slot": ((), "1", "cannot be used: the slot cannot be attached"),
    "another image": ((("net.h", "DESIGN_LOW 0x", "DESIGN_LOW 1 + 0x"),), "0", "another image is loaded"),
    "other memories": ((("net.h", "INPUT_BYTES 4096u", "INPUT_BYTES 8192u"),), "0", "another image is loaded"),
    "results elsewhere": ((("net.c", "BASE 0x40000000u", "BASE 0x40010000u"),), "0", r"status 0x1?0?0?0?4"),
    "not settled": ((("net.c", "return peek(device->window, IDENTITY_BASE", "return peek(device->registers, CONTROL"),),
                    "0", r"[1-9]\d* of 12 values are wrong"),
    "frames too close": ((("net.h", "INPUT_STRIDE 64u", "INPUT_STRIDE 36u"),), "0", r"[1-9]\d* of 12 values are wrong"),
    "no weights": ((("main.c", "bytes = fread", "(void)!fread"),), "0", "wrong arguments"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told(made: Made, tmp_path: Path, fault: str) -> None:
    faults, slot, message = FAULTS[fault]
    code, output = _self_test(made, tmp_path, *faults, slot=slot)
    assert code == 1
    assert re.search(message, output), output


def test_the_runtime_on_the_card(made: Made, rng: np.random.Generator) -> None:
    """More frames than both halves of the memory hold; another program's run and its errors are over before."""
    made.make(made.build / "host")
    x = rng.standard_normal((5 * BATCH // 2, 1, 6, 6)).astype(np.float32)
    card = ctypes.CDLL(str(made.sdk / "libfpga_mgmt.so"))
    registers, window = ctypes.c_int(), ctypes.c_int()
    card.fpga_pci_attach(0, 0, 0, 0, ctypes.byref(registers))
    card.fpga_pci_attach(0, 0, 4, 1, ctypes.byref(window))
    for offset, value in ((0x20, 0), (0x1C, 1 << 30), (0x28, 9), (0x00, 1)):
        card.fpga_pci_poke(registers, ctypes.c_uint64(offset), ctypes.c_uint32(value))
    card.fpga_pci_peek(window, ctypes.c_uint64(64), ctypes.byref(ctypes.c_uint32()))  # nothing can be read there
    with runtime.load(made.build, "aws") as network:
        np.testing.assert_array_equal(network(x), rtlnn.reference(made.build)(x))
        np.testing.assert_array_equal(network(x[0]), rtlnn.reference(made.build)(x[0]))
    with runtime.load(made.build, "aws") as network:
        card.fpga_pci_poke(registers, ctypes.c_uint64(0x1C), ctypes.c_uint32(0))
        card.fpga_pci_poke(registers, ctypes.c_uint64(0x28), ctypes.c_uint32(1))
        card.fpga_pci_poke(registers, ctypes.c_uint64(0x00), ctypes.c_uint32(1))
        with pytest.raises(CheckFailed, match="the status tells of an error"):
            network(x[:3])
        np.testing.assert_array_equal(network(x[:40]), rtlnn.reference(made.build)(x[:40]))


def test_what_the_runtime_refuses(made: Made, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no .*libx\.so; `make` in"):
        runtime.load(made.build, "aws", library=tmp_path / "libx.so")
    (tmp_path / "libx.so").write_text("no library")
    with pytest.raises(InputError, match=r"cannot be loaded .*sdk_setup"):
        runtime.load(made.build, "aws", library=tmp_path / "libx.so")
    made.make(made.build / "host")
    with pytest.raises(InputError, match="slot 3 cannot be used: the slot cannot be attached"):
        runtime.load(made.build, "aws", device=3)


def test_frames_that_the_memory_cannot_hold(tmp_path: Path) -> None:
    """The message says what to change, and no folder is left."""
    text = (Path(loader.__file__).parent / "aws-f2.yaml").read_text()
    (tmp_path / "tiny.yaml").write_text(text.replace("input_kib: 1024", "input_kib: 4"))
    model = Model(("N", 1, 48, 48)).add("MaxPool", kernel_shape=[2, 2], strides=[2, 2]).build()
    options = rtlnn.Options(platform=tmp_path / "tiny.yaml", calibration=np.zeros((2, 1, 48, 48), np.float32))
    with pytest.raises(InputError, match=r"a frame of .* 2,304 bytes, but .* room for 2,048; raise `input_kib`"):
        rtlnn.build(model, tmp_path / "out", options)
    assert not (tmp_path / "out").exists()
