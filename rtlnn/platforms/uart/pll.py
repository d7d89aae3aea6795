"""The clock: settings of each family's PLL, and its instance."""

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Const, Instance, Signal

from rtlnn.platforms.uart.shell import ChipFamily

__all__ = ["Pll", "find_pll"]

_TOLERANCE = 0.01
_FILTERS = ((17, 1), (26, 2), (44, 3), (66, 4), (101, 5))
"""iCE40: the range of the loop filter by the frequency at the phase detector (icepll of Project IceStorm)."""
_GOWIN_OUTPUT = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)


@dataclass(frozen=True)
class Pll:
    """output = input · feedback / reference; the oscillator runs at output · post.

    Of the iCE40 the oscillator is in the feedback: output = input · feedback / (reference · post).
    """

    family: ChipFamily
    input_mhz: float
    reference: int
    feedback: int
    post: int

    @property
    def output_mhz(self) -> float:
        made = self.input_mhz * self.feedback / self.reference
        return made / self.post if self.family is ChipFamily.ICE40 else made

    def instance(self, clk: Signal, out: Signal, locked: Signal) -> Instance:
        """From the pin `clk` to the clock `out`."""
        match self.family:
            case ChipFamily.ECP5:
                return self._ecp5(clk, out, locked)
            case ChipFamily.ICE40:
                return self._ice40(clk, out, locked)
            case ChipFamily.GOWIN:
                return self._gowin(clk, out, locked)

    def _ecp5(self, clk: Signal, out: Signal, locked: Signal) -> Instance:
        """FPGA-TN-02200; the attributes as ecppll of Project Trellis has them."""
        disabled = ("PLLRST_ENA", "INTFB_WAKE", "STDBY_ENABLE", "DPHASE_SOURCE")
        zero = ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PLLWAKESYNC", "ENCLKOP")
        return Instance(
            "EHXPLLL",
            ("a", "FREQUENCY_PIN_CLKI", f"{self.input_mhz:g}"),
            ("a", "FREQUENCY_PIN_CLKOP", f"{self.output_mhz:g}"),
            *(("a", name, value) for name, value in (("ICP_CURRENT", "12"), ("LPF_RESISTOR", "8"))),
            *(("p", name, "DISABLED") for name in disabled),
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=self.reference,
            p_CLKFB_DIV=self.feedback,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=self.post,
            p_CLKOP_CPHASE=self.post // 2,
            p_CLKOP_FPHASE=0,
            i_CLKI=clk,
            i_CLKFB=out,
            o_CLKOP=out,
            o_LOCK=locked,
            **{f"i_{name}": Const(0, 1) for name in zero},
            **{f"i_{name}": Const(1, 1) for name in ("PHASEDIR", "PHASESTEP", "PHASELOADREG")},
        )

    def _ice40(self, clk: Signal, out: Signal, locked: Signal) -> Instance:
        """FPGA-TN-02052. The pin belongs to the PLL."""
        detector = self.input_mhz / self.reference
        return Instance(
            "SB_PLL40_PAD",
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(self.reference - 1, 4),
            p_DIVF=Const(self.feedback - 1, 7),
            p_DIVQ=Const(self.post.bit_length() - 1, 3),
            p_FILTER_RANGE=Const(next((n for limit, n in _FILTERS if detector < limit), 6), 3),
            i_PACKAGEPIN=clk,
            i_RESETB=Const(1, 1),
            i_BYPASS=Const(0, 1),
            o_PLLOUTGLOBAL=out,
            o_LOCK=locked,
        )

    def _gowin(self, clk: Signal, out: Signal, locked: Signal) -> Instance:
        """UG286, for the GW1N-9."""
        zero = {"CLKFB": 1, "RESET": 1, "RESET_P": 1}
        zero |= {"FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "PSDA": 4, "DUTYDA": 4, "FDLY": 4}
        return Instance(
            "rPLL",
            p_DEVICE="GW1NR-9C",
            p_FCLKIN=f"{self.input_mhz:g}",
            p_IDIV_SEL=self.reference - 1,
            p_FBDIV_SEL=self.feedback - 1,
            p_ODIV_SEL=self.post,
            p_CLKFB_SEL="internal",
            **{f"p_DYN_{name}": "false" for name in ("IDIV_SEL", "FBDIV_SEL", "ODIV_SEL", "DA_EN")},
            i_CLKIN=clk,
            o_CLKOUT=out,
            o_LOCK=locked,
            **{f"i_{name}": Const(0, bits) for name, bits in zero.items()},
        )


def find_pll(family: ChipFamily, input_mhz: float, output_mhz: float) -> Pll | None:
    """The settings nearest to `output_mhz`; None if they are more than 1 % away."""
    best = min(_settings(family, input_mhz, output_mhz), key=lambda p: _rank(p, output_mhz), default=None)
    return best if best and abs(best.output_mhz / output_mhz - 1) <= _TOLERANCE else None


def _rank(pll: Pll, wanted: float) -> tuple[float, int]:
    """The nearest, of these that with the fastest phase detector."""
    return round(abs(pll.output_mhz - wanted), 6), pll.reference


def _settings(family: ChipFamily, given: float, wanted: float) -> Iterator[Pll]:
    """All settings within the limits of the data sheets (FPGA-DS-02012, FPGA-DS-02008, DS117)."""
    match family:
        case ChipFamily.ECP5:
            low, high, detector, most, posts = 400, 800, 3.125, (128, 80), tuple(range(1, 129))
        case ChipFamily.ICE40:
            low, high, detector, most, posts = 533, 1066, 10, (16, 128), (1, 2, 4, 8, 16, 32, 64)
        case ChipFamily.GOWIN:
            low, high, detector, most, posts = 400, 1200, 3, (64, 64), _GOWIN_OUTPUT
    for reference in range(1, most[0] + 1):
        if given / reference < detector:
            return
        for feedback in range(1, most[1] + 1):
            for post in posts:
                pll = Pll(family, given, reference, feedback, post)
                if low <= pll.output_mhz * post <= high and abs(pll.output_mhz / wanted - 1) < 0.5:
                    yield pll
