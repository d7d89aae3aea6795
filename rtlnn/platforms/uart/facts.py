"""What the host must know of a build's serial link."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from rtlnn.errors import InputError
from rtlnn.platforms.uart.shell import ChipFamily

__all__ = ["LINK_FILE", "NETLIST_FILE", "LinkFacts"]

LINK_FILE = "kernel/link.json"
NETLIST_FILE = "kernel/netlist.v"
"""What synthesis made of the chip, beside its bitstream."""


@dataclass(frozen=True)
class LinkFacts:
    """Parameters
    ----------
    platform : its name
    family : of the chip
    baud : bits a second on the line
    clock_hz : of the core
    build : what `Hello` says, 16 hexadecimal digits
    """

    platform: str
    family: ChipFamily
    baud: int
    clock_hz: int
    build: str

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"family": self.family.value}, indent=2) + "\n"

    @classmethod
    def load(cls, build_dir: Path) -> Self:
        """Raises `InputError` if the build is for another kind of board, or its file is damaged."""
        file = build_dir / LINK_FILE
        try:
            facts = json.loads(file.read_text())
            return cls(**facts | {"family": ChipFamily(facts["family"])})
        except FileNotFoundError:
            raise InputError(
                f"{build_dir} was not built for a board with a serial link: build it with --platform ulx3s, "
                "icebreaker or the like"
            ) from None
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{file} cannot be used ({error}); build it again") from None
