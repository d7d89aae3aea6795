"""The files that make a build folder an IP."""

from collections.abc import Iterable

from rtlnn.emit.interface import Interface
from rtlnn.emit.ip.design import LIBRARY, VENDOR, VERSION, Design
from rtlnn.emit.ip.fusesoc import core_file
from rtlnn.emit.ip.ipxact import component_xml
from rtlnn.emit.template import fill
from rtlnn.platforms.spec import Platform

__all__ = ["ip_files"]


def ip_files(interface: Interface, platform: Platform, model: str, paths: Iterable[str]) -> dict[str, str]:
    """Texts by their path in the build folder: `component.xml`, `<top>.core` and `vivado/package_ip.tcl`.

    Parameters
    ----------
    model : name of the network, for catalogues
    paths : the build's other files, relative to its folder, in compile order
    """
    design = Design.of(interface, paths, model, platform.arithmetic)
    values = {
        "top": design.top,
        "part": platform.part,
        "vendor": VENDOR,
        "library": LIBRARY,
        "version": VERSION,
        "buses": " ".join(stream.name for stream in design.streams),
    }
    return {
        "component.xml": component_xml(design),
        f"{design.top}.core": core_file(design),
        "vivado/package_ip.tcl": fill("package_ip.tcl.in", values),
    }
