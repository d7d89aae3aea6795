"""Amaranth to Verilog: many modules in one run of Yosys, with names that every tool reads."""

import re
from collections.abc import Mapping

from amaranth.back import rtlil, verilog
from amaranth.hdl import Elaboratable

from rtlnn.emit.memory import ram_module
from rtlnn.emit.names import SEPARATOR
from rtlnn.layers.ram import RAM_NAME

__all__ = ["convert"]

_MODULE = re.compile(r"^(?:\(\* .*\*\)\n)*module (\S+?) ?\(.*?^endmodule\n", re.MULTILINE | re.DOTALL)

_COUNTED = re.compile(r"\$auto\$[a-z_]+\.cc:\d+:[A-Za-z_]+\$(\d+)")
"""Names that the converter makes up."""
_UNORDERED = re.compile(r"(?:^  assign [^\n]*;\n)+|(?:^  wire [^\n]*;\n)+", re.MULTILINE)
"""Lines of which the order means nothing."""


def convert(modules: Mapping[str, tuple[Elaboratable, Mapping[str, object] | None]]) -> dict[str, str]:
    """Verilog text by module name, submodules in the text of their own top.

    `modules` gives each top's elaboratable and its ports (None: those of its signature). One run of Yosys converts
    them all, for starting it costs more than most conversions.
    """
    texts = [
        rtlil.convert(elaboratable, name=name, ports=ports, emit_src=False)
        for name, (elaboratable, ports) in modules.items()
    ]
    # the converter is private in Amaranth 0.5, which pyproject.toml therefore pins
    text = verilog._convert_rtlil_text("\n".join(texts), strip_internal_attrs=True)
    result = dict.fromkeys(modules, "")
    for match in _MODULE.finditer(text):
        result[match[1].lstrip("\\").split(".")[0]] += match[0] + "\n"
    for name, body in result.items():
        if not body:
            raise RuntimeError(f"Yosys gave no module {name!r}")
    return {name: _with_rams(name, _plain_names(body)) for name, body in result.items()}


def _with_rams(name: str, text: str) -> str:
    """The block RAMs that a module instantiates get names of its own, and stand behind it."""
    rams = {match[0]: match for match in RAM_NAME.finditer(text)}
    for generic, match in sorted(rams.items()):
        own = f"{name}{SEPARATOR}ram_{match['depth']}x{match['width']}"
        text = re.sub(rf"\b{generic}\b", own, text)
        text += ram_module(own, int(match["width"]), int(match["depth"])) + "\n"
    return text


def _plain_names(text: str) -> str:
    """Submodules are named `top.sub`, which Verilog must escape; they become `top__sub`."""
    for name in set(re.findall(r"^module \\(\S+) ", text, re.MULTILINE)):
        text = text.replace(f"\\{name} ", f"{name.replace('.', SEPARATOR)} ")
    # Numbers that the converter counts through all modules would make a file depend on its neighbours, and so would an
    # order that follows such numbers, or the order in which it first met a name: what counts is where a name stands.
    places: dict[int, list[str]] = {}
    for line in text.splitlines():
        for match in _COUNTED.finditer(line):
            places.setdefault(int(match[1]), []).append(_COUNTED.sub("$aux", line))
    ordered = sorted(places, key=lambda number: (sorted(places[number]), number))
    ranks = {number: rank for rank, number in enumerate(ordered)}
    text = _COUNTED.sub(lambda m: f"$aux${ranks[int(m[1])]}", text)
    return _UNORDERED.sub(lambda m: "".join(sorted(m[0].splitlines(keepends=True))), text)
