"""The DSP48E2 slice as an instance, in the settings that the layers use (AMD UG579; UNISIM names and parameters).

Simulation takes the vendor's model or the behavioural one beside the build (`sim/DSP48E2.v`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Signal, Value, signed

__all__ = [
    "A_BITS",
    "B_BITS",
    "CASCADE_SHIFT",
    "HALF_BITS",
    "Operand",
    "accumulate_halves",
    "multiply_accumulate",
    "multiply_add",
    "multiply_again",
    "multiply_shifted",
]

A_BITS, B_BITS = 27, 18
"""The multiplier's ports."""
HALF_BITS = 24
"""Each half of P where no carry passes between them (TWO24)."""
CASCADE_SHIFT = 17
"""The only shift that Z can do."""

_PARAMETERS: dict[str, Any] = {
    "AMULTSEL": "AD",
    "A_INPUT": "DIRECT",
    "BMULTSEL": "B",
    "B_INPUT": "DIRECT",
    "PREADDINSEL": "A",
    "USE_MULT": "MULTIPLY",
    "USE_SIMD": "ONE48",
    "AREG": 1,
    "ACASCREG": 1,
    "BREG": 2,
    "BCASCREG": 2,
    "DREG": 1,
    "ADREG": 1,
    "MREG": 1,
    "PREG": 1,
    "CREG": 0,
    "ALUMODEREG": 0,
    "CARRYINREG": 0,
    "CARRYINSELREG": 0,
    "INMODEREG": 0,
    "OPMODEREG": 0,
}
_MULTIPLY = 0b000000101
"""OPMODE: X and Y take the product, Z and W are 0."""
_CASCADE = 0b000010000
"""OPMODE: Z takes PCIN."""
_SHIFTED_CASCADE = 0b001010000
"""OPMODE: Z takes PCIN >> 17, signed."""
_SHIFTED_P = 0b001100000
"""OPMODE: Z takes P >> 17, signed."""
_W_BITS = 7
"""OPMODE: the bits below W's choice."""
_W_IS_P, _W_IS_RND, _W_IS_C = 0b01, 0b10, 0b11
_AB_AND_C = 0b1111
"""OPMODE: X takes A and B as one number, Y takes C."""
_Z_IS_P = 0b010 << 4
_USE_D = 0b00100
"""INMODE: the pre-adder adds D and A2."""


def multiply_add(
    a: Value, d: Value, b: Value, p: Signal, pcin: Signal | None, pcout: Signal, constant: int = 0
) -> Instance:
    """P = (D + A)·B + PCIN + `constant`, signed; every register in use, none ever held.

    Latency: 4 cycles from `a`, `d` and `b` to `p`; PCIN is added in the last one. D + A wraps at 27 bits.
    """
    mode = _MULTIPLY | (0 if pcin is None else _CASCADE) | (_W_IS_C << _W_BITS if constant else 0)
    return _slice(a, d, b, p, pcin, pcout, Const(mode, 9), Const(1), Const(constant, 48))


def multiply_accumulate(
    a: Value,
    d: Value,
    b: Value,
    p: Signal,
    pcin: Signal | None,
    pcout: Signal,
    first: Value,
    enable: Value,
    constant: int,
) -> Instance:
    """P = (D + A)·B + PCIN + (`constant` if `first` else P), signed, held while `enable` is low.

    Latency: 4 cycles from `a`, `d` and `b` to `p`; PCIN is added in the last one. `enable` belongs to that last cycle;
    `first` to the one before it. D + A wraps at 27 bits.
    """
    # W is C or P: two codes that differ in one bit
    mode = Cat(Const(_MULTIPLY | (0 if pcin is None else _CASCADE), _W_BITS), Const(_W_IS_P, 1), first)
    return _slice(a, d, b, p, pcin, pcout, mode, enable, Const(constant, 48), {"OPMODEREG": 1})


@dataclass(frozen=True)
class Operand:
    """A factor, and the registers (1 or 2) that it passes before the pre-adder or the multiplier."""

    value: Value
    registers: int


def multiply_shifted(
    a: Operand, d: Value | None, b: Operand, c: Value | None, p: Signal, pcin: Signal | None, pcout: Signal
) -> Instance:
    """P = (D + A)·B + C + (PCIN >> 17), signed; without D there is no pre-adder.

    Latency to `p`: 1 cycle from `pcin`, 2 from `c`, 4 from D, and from A and B those of their registers and of what
    follows: the pre-adder's (if there is one), the product's and that of P. D + A wraps at 27 bits.
    """
    mode = _MULTIPLY | (0 if pcin is None else _SHIFTED_CASCADE) | (0 if c is None else _W_IS_C << _W_BITS)
    settings = _operands(a, d, b) | {"CREG": 0 if c is None else 1}
    unused = Const(0, 1)
    return _slice(
        a.value, unused if d is None else d, b.value, p, pcin, pcout, Const(mode, 9), Const(1),
        unused if c is None else c, settings,
    )  # fmt: skip


def multiply_again(a: Operand, d: Value | None, b: Operand, p: Signal, pcout: Signal, again: Value) -> Instance:
    """P = (D + A)·B + (P >> 17 if `again` else 0), signed; without D there is no pre-adder.

    Latency as that of `multiply_shifted`; `again` is due two cycles before `p`.
    """
    assert _SHIFTED_P == 0b11 << 5, "both bits of Z are `again`"
    mode = Cat(Const(_MULTIPLY, 5), again, again, Const(0, 2))
    unused = Const(0, 1)
    settings = _operands(a, d, b) | {"OPMODEREG": 1}
    return _slice(a.value, unused if d is None else d, b.value, p, None, pcout, mode, Const(1), unused, settings)


def accumulate_halves(
    x: Value, y: Value, p: Signal, pcout: Signal, first: Value, enable: Value, constant: int
) -> Instance:
    """P = X + Y + `constant` + (0 if `first` else P), each of both halves by itself; held while `enable` is low.

    Latency: 2 cycles from `x` and `y` to `p`. `enable` belongs to the last one; `first` to the one before it.
    """
    # the slice inverts a bit of OPMODE for nothing
    mode = Cat(Const(_AB_AND_C, 4), Const(0, 1), first, Const(0, 1), Const(_W_IS_RND, 2))
    settings = {
        "AMULTSEL": "A",
        "USE_MULT": "NONE",
        "USE_SIMD": "TWO24",
        "BREG": 1,
        "BCASCREG": 1,
        "CREG": 1,
        "MREG": 0,
        "OPMODEREG": 1,
        "IS_OPMODE_INVERTED": Const(_Z_IS_P, 9),
        "RND": Const(constant, 48),
    }
    return _slice(x[B_BITS:], Const(0, 1), x[:B_BITS], p, None, pcout, mode, enable, y, settings)


def _operands(a: Operand, d: Value | None, b: Operand) -> dict[str, str | int]:
    """The settings of their registers."""
    settings: dict[str, str | int] = {
        "AREG": a.registers,
        "ACASCREG": a.registers,
        "BREG": b.registers,
        "BCASCREG": b.registers,
    }
    if d is None:
        settings["AMULTSEL"] = "A"
    return settings


def _slice(
    a: Value,
    d: Value,
    b: Value,
    p: Signal,
    pcin: Signal | None,
    pcout: Signal,
    opmode: Value,
    enable: Value,
    c: Value,
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> Instance:
    used = {**_PARAMETERS, **settings}
    enables = {f"i_CE{n}": Const(1) for n in ("A2", "AD", "B1", "B2", "CTRL", "D", "M")}
    enables |= {"i_CEA1": Const(used["AREG"] == 2), "i_CEC": Const(used["CREG"])}
    disabled = {f"i_CE{n}": Const(0) for n in ("ALUMODE", "CARRYIN", "INMODE")}
    resets = ("A", "ALLCARRYIN", "ALUMODE", "B", "C", "CTRL", "D", "INMODE", "M", "P")
    idle = {f"i_RST{n}": Const(0) for n in resets}
    return Instance(
        "DSP48E2",
        **{f"p_{name}": value for name, value in used.items()},
        **enables,
        **disabled,
        **idle,
        i_CLK=ClockSignal(),
        i_CEP=enable,
        i_A=_extended(a, 30),
        i_B=_extended(b, 18),
        i_C=_extended(c, 48),
        i_D=_extended(d, 27),
        i_PCIN=Const(0, 48) if pcin is None else pcin,
        i_OPMODE=opmode,
        i_INMODE=Const(_USE_D if used["AMULTSEL"] == "AD" else 0, 5),
        i_ALUMODE=Const(0, 4),
        i_CARRYIN=Const(0, 1),
        i_CARRYINSEL=Const(0, 3),
        i_CARRYCASCIN=Const(0, 1),
        i_MULTSIGNIN=Const(0, 1),
        i_ACIN=Const(0, 30),
        i_BCIN=Const(0, 18),
        o_P=p,
        o_PCOUT=pcout,
    )


def _extended(value: Value, bits: int) -> Value:
    """Sign- or zero-extended by the value's own shape; a bit left open would read as one."""
    return (value + Const(0, signed(bits)))[:bits]
