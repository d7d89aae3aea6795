"""The modules of a build: what each file defines, and how often each module is in the design."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rtlnn.errors import InputError
from rtlnn.layers.memory_kind import MemoryKind

__all__ = ["SourceMemory", "SourceModule", "instance_counts", "read_modules"]

_MEMORY = re.compile(r"reg \[(\d+):0\] memory \[0:(\d+)\];")
_STYLE = re.compile(r'ram_style = "(\w+)"')
_KINDS = {"block": MemoryKind.BRAM, "ultra": MemoryKind.URAM, "distributed": MemoryKind.LUTRAM}


@dataclass(frozen=True)
class SourceMemory:
    """A module that is a memory of weights or parameters; its data may come from a `registered` word, of any kind."""

    words: int
    bits: int
    kind: MemoryKind
    registered: bool


@dataclass(frozen=True)
class SourceModule:
    """A file of the design, which defines the module of its own name (and modules below it).

    Parameters
    ----------
    path, text : the file
    children : modules of other files that it instantiates, with how often
    memory : what the module is as a memory of weights or parameters, None for others
    """

    path: Path
    text: str
    children: Mapping[str, int]
    memory: SourceMemory | None

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def stub(self) -> str:
        """Verilog of the module without its contents."""
        begin = re.search(rf"^module {re.escape(self.name)}\b[^;]*;", self.text, re.MULTILINE)
        assert begin is not None, "checked when it was read"
        body = self.text[begin.end() : self.text.index("endmodule", begin.end())]
        ports = re.findall(r"^ *(?:input|output)\b.*;", body, re.MULTILINE)
        return "\n".join([begin[0], *ports, "endmodule\n"])


def read_modules(files: Sequence[Path]) -> dict[str, SourceModule]:
    """The modules of `files`, by name. Raises `InputError` for a file without the module of its name."""
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    modules = {}
    for file in files:
        text = texts[file.stem]
        if not re.search(rf"^module {re.escape(file.stem)}\b", text, re.MULTILINE):
            raise InputError(f"{file} does not define the module {file.stem}; build again")
        modules[file.stem] = SourceModule(file, text, _children(file.stem, text, texts), _memory(text))
    return modules


def _children(name: str, text: str, all_modules: Mapping[str, str]) -> dict[str, int]:
    """Instances `module instance (` in the text of modules that other files define."""
    found: dict[str, int] = {}
    for match in re.finditer(r"^\s*(\w+)\s+(?:#\(|\\\S+ \s*\(|\w+\s*\()", text, re.MULTILINE):
        if match[1] in all_modules and match[1] != name:
            found[match[1]] = found.get(match[1], 0) + 1
    return found


def _memory(text: str) -> SourceMemory | None:
    memory, style = _MEMORY.search(text), _STYLE.search(text)
    # a single word is a constant and has no style; UltraRAM has no contents
    kind = _KINDS[style[1]] if style else MemoryKind.LUTRAM
    if memory is None or ("$readmemh" not in text and kind is not MemoryKind.URAM):
        return None
    return SourceMemory(int(memory[2]) + 1, int(memory[1]) + 1, kind, "data <= " in text)


def instance_counts(modules: Mapping[str, SourceModule], top: str) -> dict[str, int]:
    """How often each module is in the design below `top` (itself once); only those that are in it."""
    counts: dict[str, int] = {}

    def visit(name: str, times: int) -> None:
        counts[name] = counts.get(name, 0) + times
        for child, number in modules[name].children.items():
            visit(child, times * number)

    visit(top, 1)
    return counts
