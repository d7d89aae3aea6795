"""The number by which a host tells whether a board is configured with the build that it drives."""

import hashlib
from pathlib import Path

__all__ = ["MAGIC", "design_id"]

MAGIC = 0x4E4E5452
"""What a shell's first identification register reads: the bytes `RTNN`, the first one lowest."""


def design_id(build_dir: Path) -> int:
    """64 bits that depend on every byte of the design: its boundary, its Verilog and its memories.

    The build's `interface.json`, `rtl/` and `mem/` must be there. The same design gives the same number on any machine.
    """
    digest = hashlib.sha256()
    for part in ("interface.json", "rtl", "mem"):
        root = build_dir / part
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file():
                content = path.read_bytes()
                digest.update(f"{path.relative_to(build_dir).as_posix()} {len(content)}\n".encode())
                digest.update(content)
    return int.from_bytes(digest.digest()[:8], "little")
