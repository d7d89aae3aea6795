"""From a build to a bitstream with free tools: Yosys, nextpnr and the chips' packers, all from pip."""

from rtlnn.bitstream.flow import Progress, check_board, make_bitstream, synthesize
from rtlnn.bitstream.result import BitstreamResult, CriticalPath, Usage

__all__ = ["BitstreamResult", "CriticalPath", "Progress", "Usage", "check_board", "make_bitstream", "synthesize"]
