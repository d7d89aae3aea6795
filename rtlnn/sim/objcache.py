"""A compiler cache for the simulator's run-time library: `python objcache.py CACHE COMPILER ARGUMENT...`.

Verilator compiles the same few library sources (`verilated*.cpp`, cocotb's `verilator.cpp`) for every design. Their
objects are kept in CACHE, keyed by compiler, command, source and every header in an include folder. All other
commands run unchanged. Standard library alone, no import of `rtlnn`: make starts it once for each object.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RUNTIME_SOURCE = re.compile(r"verilat(ed\w*|or)\.(cpp|cc)")


def key(command: list[str], source: Path) -> str:
    """Digest of all that decides the object: also the compiler's file, so that an update of it misses."""
    compiler = Path(shutil.which(command[0]) or command[0]).resolve()
    status = compiler.stat()
    digest = hashlib.sha256(repr((command, str(compiler), status.st_size, status.st_mtime_ns)).encode())
    folders = [source.parent, *(Path(word[2:]) for word in command if word.startswith("-I"))]
    generated = Path(".").resolve()  # the design's own headers: only cocotb's main program sees them
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        if folder != generated or source.stem == "verilator":
            for header in sorted(folder.glob("*.h")):
                digest.update(header.name.encode() + header.read_bytes())
    digest.update(source.read_bytes())
    return digest.hexdigest()


def main(cache: Path, command: list[str]) -> int:
    source = next((Path(word) for word in command if RUNTIME_SOURCE.fullmatch(Path(word).name)), None)
    if source is None or "-o" not in command or "-c" not in command:
        return subprocess.call(command)
    target = Path(command[command.index("-o") + 1])
    kept = cache / f"{key(command, source)}.o"
    depends = target.with_suffix(".d")
    if kept.exists():
        shutil.copyfile(kept, target)
        depends.write_text("")
        return 0
    status = subprocess.call(command)
    if status == 0:
        cache.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache)
        os.close(handle)
        shutil.copyfile(target, name)
        os.replace(name, kept)  # atomic: a build running beside this one sees all of it or nothing
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
