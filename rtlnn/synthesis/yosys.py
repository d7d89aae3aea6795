"""Runs Yosys on one module, in a process of its own, and keeps the result."""

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtlnn.errors import CheckFailed, InputError
from rtlnn.sim.toolchain import default_cache_dir, prune
from rtlnn.synthesis.family import Family
from rtlnn.synthesis.modules import SourceModule
from rtlnn.synthesis.timing import ModuleTiming

__all__ = ["Counted", "Yosys"]

_WORKER = Path(__file__).with_name("worker.py")
_SOURCES = tuple(Path(__file__).with_name(name) for name in ("worker.py", "timing.py", "arcs.py"))
"""What decides the results beside Yosys."""


@dataclass(frozen=True)
class Counted:
    """Cells of a module by type, the modules of its instances by their names, and its timing."""

    cells: Mapping[str, int]
    instances: Mapping[str, str]
    timing: ModuleTiming

    @classmethod
    def load(cls, path: Path) -> "Counted":
        data = json.loads(path.read_text())
        return cls(data["cells"], data["instances"], ModuleTiming.from_json(data["timing"]))


class Yosys:
    """Yosys as a library, for chips of one `family`.

    Results are kept in `cache_dir` (default: the user's cache folder) by content.
    Raises `InputError` if pyosys is missing.
    """

    def __init__(self, family: Family, cache_dir: Path | None = None) -> None:
        self.family = family
        if importlib.util.find_spec("pyosys") is None:
            raise InputError("synthesis needs Yosys as a Python package; install with: pip install 'rtlnn[synth]'")
        self.version = importlib.metadata.version("pyosys")
        # absolute: Yosys runs in a folder of its own
        self._cache = (cache_dir or default_cache_dir()).resolve() / "synthesis"
        self._cache.mkdir(parents=True, exist_ok=True)
        prune(self._cache)

    def count(self, module: SourceModule, children: Sequence[SourceModule] = ()) -> Counted:
        """Synthesize `module`; of the `children` that it instantiates only the ports matter.

        Raises `CheckFailed` with Yosys's last lines if it cannot.
        """
        kept = self._cache / f"{self._key(module, children)}.json"
        if kept.exists():
            os.utime(kept)
            return Counted.load(kept)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix=".work-") as folder:
            job, out = Path(folder) / "job.json", Path(folder) / "out.json"
            stubs = Path(folder) / "stubs.v"
            stubs.write_text("".join(child.stub for child in children))
            files = {"file": str(module.path.resolve()), "stubs": str(stubs), "top": module.name, "out": str(out)}
            names = [child.name for child in children]
            job.write_text(json.dumps({"family": self.family.value, "children": names, **files}))
            command = [sys.executable, "-I", str(_WORKER), str(job)]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode or not out.exists():
                raise CheckFailed(_complaint(module.name, done.returncode, f"{done.stdout}\n{done.stderr}"))
            os.replace(out, kept)  # atomic: another run beside this one sees all of it or nothing
        return Counted.load(kept)

    def _key(self, module: SourceModule, children: Sequence[SourceModule]) -> str:
        digest = hashlib.sha256(f"{self.version} {self.family.value}".encode())
        sources = (source.read_text(encoding="utf-8") for source in _SOURCES)
        for text in (*sources, module.text, *(child.stub for child in children)):
            digest.update(f"{len(text)}\n{text}".encode())
        return digest.hexdigest()


def _complaint(name: str, status: int, log: str) -> str:
    lines = log.strip().splitlines()
    errors = [line for line in lines if re.search(r"\bERROR\b|Error:", line)] or lines[-5:]
    how = f"ended by signal {-status}" if status < 0 else f"failed (status {status})"
    return "\n".join([f"Yosys {how} on module {name}:", *errors])
