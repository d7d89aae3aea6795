"""The files of the kernel: complete, the same everywhere, and scripts that Vivado's commands accept."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from kernel_stub import Sizes

from rtlnn.platforms import load_platform
from rtlnn.platforms.alveo.control import ARGUMENTS
from rtlnn.platforms.alveo.shell import VitisShell
from rtlnn.platforms.shells import EMITTERS, emit_shell, kernel_name
from tests import vivado_recorder


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with the kernel around a stub core, and a memory file."""
    folder = tmp_path_factory.mktemp("build") / "a name with blanks"
    (folder / "rtl").mkdir(parents=True)
    (folder / "mem").mkdir()
    (folder / "rtl/core.v").write_text("module core; endmodule\n")
    (folder / "rtl/files.f").write_text("core.v\n")
    (folder / "mem/w0.mem").write_text("00\n")
    emit_shell(Sizes(3, 80, 5).interface, load_platform("u200"), folder)
    return folder


def test_every_shell_has_an_emitter() -> None:
    assert EMITTERS[VitisShell]


def test_files(build: Path) -> None:
    kernel = build / "kernel"
    names = {str(path.relative_to(kernel)) for path in kernel.rglob("*") if path.is_file()}
    assert names == {"rtl/core_kernel.v", "files.f", "package_kernel.tcl", "core.cfg", "Makefile"}
    assert (kernel / "files.f").read_text() == "rtl/core_kernel.v\n"
    for path in kernel.rglob("*.*"):
        text = path.read_text()
        assert str(build) not in text
        assert "site-packages" not in text


def test_bare_device_has_no_shell(tmp_path: Path) -> None:
    platform = load_platform("vu9p")
    assert kernel_name("core", platform) is None
    emit_shell(replace(Sizes(1, 1, 4).interface, kernel=None), platform, tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_folder_and_hash_seed_give_the_same_bytes(build: Path, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, kernel_stub\n"
        "from rtlnn.platforms import load_platform\n"
        "from rtlnn.platforms.shells import emit_shell\n"
        "emit_shell(kernel_stub.Sizes(3, 80, 5).interface, load_platform('u200'), pathlib.Path(sys.argv[1]))\n"
    )
    env = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": str(Path(__file__).parent)}
    other = shutil.copytree(build, tmp_path / "other", ignore=shutil.ignore_patterns("kernel"))
    subprocess.run([sys.executable, "-c", program, str(other)], check=True, cwd=tmp_path, env=env)
    for path in (other / "kernel").rglob("*.*"):
        assert path.read_bytes() == (build / path.relative_to(other)).read_bytes(), path.name


def test_ports_are_what_the_script_names(build: Path) -> None:
    verilog = (build / "kernel/rtl/core_kernel.v").read_text()
    ports = set(re.findall(r"^  (?:input|output) (?:\[\d+:0\] )?(\w+);", verilog.split("endmodule")[0], re.MULTILINE))
    assert {"ap_clk", "ap_rst_n", "interrupt"} <= ports
    assert {p.rsplit("_", 1)[0] for p in ports} == {
        "ap",
        "ap_rst",
        "interrupt",
        "s_axi_control",
        "m_axi_in",
        "m_axi_out",
    }
    for bus in ("m_axi_in", "m_axi_out"):
        for name in ("araddr", "arvalid", "rdata", "rlast", "awaddr", "wdata", "wstrb", "bresp"):
            assert f"{bus}_{name}" in ports


@pytest.mark.parametrize("sizes", [Sizes(1, 1, 1), Sizes(64, 64, 1)])
def test_every_signal_has_bits(sizes: Sizes, tmp_path: Path) -> None:
    """Counters to one vanish in Amaranth, but Verilog reads `[-1:0]` as two bits."""
    emit_shell(sizes.interface, load_platform("u200"), tmp_path)
    assert "[-1:0]" not in (tmp_path / "kernel/rtl/core_kernel.v").read_text()


def test_packaging_script(build: Path, tmp_path: Path) -> None:
    calls = vivado_recorder.record(build / "kernel/package_kernel.tcl", tmp_path)
    added = [
        name
        for call in calls
        if call.name == "add_files"
        for name in re.findall(r"[\w.]+\.(?:v|mem)", call.arguments[0])
    ]
    assert added == ["core.v", "core_kernel.v", "w0.mem"]
    registers = {call.arguments[0] for call in calls if call.name == "ipx::add_register"}
    assert registers == {"CTRL", "GIER", "IP_IER", "IP_ISR", *(argument.name for argument in ARGUMENTS)}
    settings = {(c.arguments[2], c.arguments[0]): c.arguments[1] for c in calls if c.name == "set_property"}
    for argument in ARGUMENTS:
        assert int(settings[f"register:{argument.name}", "address_offset"], 16) == argument.offset
        assert int(settings[f"register:{argument.name}", "size"]) == argument.bits
    busses = [
        call.options["-busif"] for call in calls if call.options.get("-clock") == "ap_clk" and "-busif" in call.options
    ]
    assert busses == ["s_axi_control", "m_axi_in", "m_axi_out"]
    last = calls[-1]
    assert last.name == "package_xo"
    assert last.options["-ctrl_protocol"] == "ap_ctrl_chain"
    assert last.options["-kernel_name"] == "core_kernel"
    assert last.options["-xo_path"] == str(tmp_path / "core_kernel.xo")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("ipx::add_register $name", "ipx::add_registre $name", "invalid command name"),
        ("-ctrl_protocol", "-control_protocol", "unknown option -control_protocol"),
        ("address_offset $offset", "adress_offset $offset", "a register has no property adress_offset"),
        ("sdx_kernel_type", "sdx_kernel_typ", "a core has no property sdx_kernel_typ"),
        ("$value $parameter", "$value $core", "a core has no property value"),
        ("ASSOCIATED_BUSIF $register", "ASSOCIATED_BUSIF $block", "is not a register"),
        ("[file join $build rtl/files.f]", "[file join $here rtl/files.f]", "no such file"),
        ("set part ", "set prt ", 'can\'t read "part"'),
        ("-vendor rtlnn", "-vendor", "package_project: 1 arguments"),
    ],
)
def test_a_fault_in_the_script_is_noticed(build: Path, tmp_path: Path, right: str, wrong: str, message: str) -> None:
    text = (build / "kernel/package_kernel.tcl").read_text()
    assert right in text
    script = build / "kernel" / "faulty.tcl"
    script.write_text(text.replace(right, wrong))
    try:
        with pytest.raises(RuntimeError, match=message):
            vivado_recorder.record(script, tmp_path)
    finally:
        script.unlink()
