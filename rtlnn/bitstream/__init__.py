"""From a build to a bitstream with free tools: Yosys, nextpnr and the chips' packers, all from pip."""

from rtlnn.bitstream.flow import Progress, check_board, make_bitstream
from rtlnn.bitstream.result import BitstreamResult, CriticalPath, Usage
from rtlnn.bitstream.smaller import what_would_fit
from rtlnn.bitstream.tools import DoesNotFit

__all__ = [
    "BitstreamResult",
    "CriticalPath",
    "DoesNotFit",
    "Progress",
    "Usage",
    "check_board",
    "make_bitstream",
    "what_would_fit",
]
