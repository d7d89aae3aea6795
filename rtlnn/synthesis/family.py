"""The families of chips for which Yosys counts cells."""

import re
from enum import Enum

from rtlnn.errors import InputError

__all__ = ["Family"]


class Family(Enum):
    """A family by the name that Yosys's `synth_xilinx` has for it."""

    SERIES_7 = "xc7"
    ULTRASCALE = "xcu"
    ULTRASCALE_PLUS = "xcup"

    @classmethod
    def of(cls, part: str) -> "Family":
        """The family of a part, by the vendor's name for it. Raises `InputError` for parts of other families."""
        name = part.lower()
        if re.match(r"x[caq]7", name):
            return cls.SERIES_7
        # xcku040 and xcvu190 are UltraScale; xcku5p, xcvu9p, the Alveo cards' xcu200 are UltraScale+
        if re.match(r"x[cq](ku|vu)\d{3}(?!p)", name):
            return cls.ULTRASCALE
        if re.match(r"x[caq]((ku|vu|zu|au)\d|u\d|k26)", name):
            return cls.ULTRASCALE_PLUS
        raise InputError(f"cells are counted for AMD's 7 series, UltraScale and UltraScale+, not for the part {part!r}")
