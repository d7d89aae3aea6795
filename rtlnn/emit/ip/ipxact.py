"""The design as an IP-XACT component (IEEE 1685-2009, which Vivado reads), with Vivado's names of the buses."""

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

from rtlnn.emit.ip.design import CLOCK, LIBRARY, RESET, VENDOR, VERSION, Design, Port, Stream
from rtlnn.layers.arithmetic import Arithmetic

__all__ = ["SPIRIT", "component_xml"]

SPIRIT = "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"
_XILINX = "http://www.xilinx.com"
_SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"

_SYNTHESIS, _SIMULATION = "xilinx_anylanguagesynthesis", "xilinx_anylanguagebehavioralsimulation"

_ULTRASCALE = ("kintexu", "virtexu", "artixuplus", "kintexuplus", "virtexuplus", "virtexuplusHBM", "zynquplus")
_SERIES_7 = ("spartan7", "artix7", "kintex7", "virtex7", "zynq")
_FAMILIES: Mapping[Arithmetic, tuple[str, ...]] = {
    Arithmetic.DSP48E2: _ULTRASCALE,
    Arithmetic.DSP48E1: _SERIES_7,
    Arithmetic.GENERIC: (*_SERIES_7, *_ULTRASCALE),
}
"""Vivado's names of the families that have the multipliers a design is written for."""

Element = ElementTree.Element


def component_xml(design: Design) -> str:
    """The text of `component.xml`, whose paths are relative to the build folder."""
    for prefix, name in (("spirit", SPIRIT), ("xilinx", _XILINX), ("xsi", _SCHEMA)):
        ElementTree.register_namespace(prefix, name)
    root = Element(f"{{{SPIRIT}}}component")
    _texts(root, vendor=VENDOR, library=LIBRARY, name=design.top, version=VERSION)
    buses = _add(root, "busInterfaces")
    for stream in design.streams:
        _stream(buses, stream)
    _signal(buses, RESET, "reset", "RST", {"POLARITY": "ACTIVE_LOW"})
    names = ":".join(stream.name for stream in design.streams)
    _signal(buses, CLOCK, "clock", "CLK", {"ASSOCIATED_BUSIF": names, "ASSOCIATED_RESET": RESET})
    _model(root, design)
    sets = _add(root, "fileSets")
    _file_set(sets, _SYNTHESIS, design.sources, design.memories)
    _file_set(sets, _SIMULATION, (*design.models, *design.sources), design.memories)
    _texts(root, description=design.description)
    _parameter(_add(root, "parameters"), "Component_Name", f"{design.top}_v1_0", resolve="user")
    _vendor_extensions(root, design)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def _add(parent: Element, tag: str, text: str | None = None, /, **attributes: str) -> Element:
    made = ElementTree.SubElement(
        parent, f"{{{SPIRIT}}}{tag}", {f"{{{SPIRIT}}}{key}": value for key, value in attributes.items()}
    )
    made.text = text
    return made


def _texts(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        _add(parent, name, text)


def _parameter(parent: Element, name: str, value: str, resolve: str | None = None) -> None:
    made = _add(parent, "parameter")
    _add(made, "name", name)
    attributes = {"resolve": resolve, "id": f"PARAM_VALUE.{name}"} if resolve else {}
    _add(made, "value", value, **attributes)


def _bus(parent: Element, name: str, library: str, kind: str, role: str) -> Element:
    """A bus interface, whose port maps and parameters are to follow."""
    bus = _add(parent, "busInterface")
    _add(bus, "name", name)
    reference = {"vendor": "xilinx.com", "library": library, "version": "1.0"}
    _add(bus, "busType", name=kind, **reference)
    _add(bus, "abstractionType", name=f"{kind}_rtl", **reference)
    _add(bus, role)
    return bus


def _maps(bus: Element, pairs: Iterable[tuple[str, str]]) -> None:
    maps = _add(bus, "portMaps")
    for logical, physical in pairs:
        one = _add(maps, "portMap")
        _add(_add(one, "logicalPort"), "name", logical)
        _add(_add(one, "physicalPort"), "name", physical)


def _stream(parent: Element, stream: Stream) -> None:
    bus = _bus(parent, stream.name, "interface", "axis", "slave" if stream.is_input else "master")
    _maps(bus, ((port.name.removeprefix(f"{stream.name}_").upper(), port.name) for port in stream.ports))
    parameters = _add(bus, "parameters")
    for name, value in (("TDATA_NUM_BYTES", stream.tdata_bits // 8), ("HAS_TREADY", 1), ("HAS_TLAST", 1)):
        _parameter(parameters, name, str(value))


def _signal(parent: Element, name: str, kind: str, logical: str, parameters: Mapping[str, str]) -> None:
    bus = _bus(parent, name, "signal", kind, "slave")
    _maps(bus, [(logical, name)])
    made = _add(bus, "parameters")
    for key, value in parameters.items():
        _parameter(made, key, value)


def _model(root: Element, design: Design) -> None:
    model = _add(root, "model")
    views = _add(model, "views")
    for name, tool in ((_SYNTHESIS, "synthesis"), (_SIMULATION, "simulation")):
        view = _add(views, "view")
        _texts(view, name=name, displayName=tool.capitalize())
        _texts(view, envIdentifier=f":vivado.xilinx.com:{tool}", language="Verilog", modelName=design.top)
        _add(_add(view, "fileSetRef"), "localName", f"{name}_view_fileset")
    ports = _add(model, "ports")
    for port in design.ports:
        _port(ports, port)


def _port(parent: Element, port: Port) -> None:
    made = _add(parent, "port")
    _add(made, "name", port.name)
    wire = _add(made, "wire")
    _add(wire, "direction", "in" if port.is_input else "out")
    if port.vector:
        vector = _add(wire, "vector")
        _texts(vector, left=str(port.width - 1), right="0")


def _file_set(parent: Element, view: str, sources: Iterable[str], memories: Iterable[str]) -> None:
    made = _add(parent, "fileSet")
    _add(made, "name", f"{view}_view_fileset")
    for paths, tag, kind in ((memories, "userFileType", "mem"), (sources, "fileType", "verilogSource")):
        for path in paths:
            file = _add(made, "file")
            _add(file, "name", path)
            _add(file, tag, kind)


def _vendor_extensions(root: Element, design: Design) -> None:
    """What Vivado's catalogue shows, and for which chips."""
    core = ElementTree.SubElement(_add(root, "vendorExtensions"), f"{{{_XILINX}}}coreExtensions")

    def add(parent: Element, name: str, text: str | None = None, **attributes: str) -> Element:
        qualified = {f"{{{_XILINX}}}{key}": value for key, value in attributes.items()}
        made = ElementTree.SubElement(parent, f"{{{_XILINX}}}{name}", qualified)
        made.text = text
        return made

    families = add(core, "supportedFamilies")
    for family in _FAMILIES[design.arithmetic]:
        add(families, "family", family, lifeCycle="Production")
    add(add(core, "taxonomies"), "taxonomy", "/UserIP")
    add(core, "displayName", f"{design.top} (neural network)")
    add(core, "coreRevision", "1")
