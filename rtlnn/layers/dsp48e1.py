"""The DSP48E1 slice of the 7 series, described so that synthesis finds it: no primitive, and so portable.

A register lies wherever the slice has one (AMD UG479): A and D, AD, two for B, M, P. Vivado and Yosys take pre-adder,
product, sum and registers into the slice; but Yosys leaves the register of D outside.
"""

from amaranth.hdl import Const, Module, Signal, Value, signed

from rtlnn.layers.pipeline import registered

__all__ = ["multiply_add"]

_AD_BITS = 25


def multiply_add(
    a: Value, d: Value, b: Value, p: Signal, pcin: Signal | None, pcout: Signal, constant: int = 0
) -> Module:
    """P = (D + A)·B + PCIN + `constant`, signed, as `dsp48e2.multiply_add` does it; but D + A wraps at 25 bits.

    Latency: 4 cycles from `a`, `d` and `b` to `p`; PCIN is added in the last one.
    Raises `ValueError` for PCIN and a constant: a slice adds one of them.
    """
    if pcin is not None and constant:
        raise ValueError("a DSP48E1 slice adds PCIN or a constant, not both")
    m = Module()
    # operands as narrow as they are: widened ones are not recognized
    added = (registered(m, d, "d_1") + registered(m, a, "a_1"))[:_AD_BITS]
    ad = registered(m, added.as_signed(), "ad")
    b_2 = registered(m, registered(m, b, "b_1"), "b_2")
    product = registered(m, ad * b_2, "product")
    m.d.sync += p.eq(product + (Const(constant, signed(len(p))) if pcin is None else pcin.as_signed()))
    m.d.comb += pcout.eq(p)
    return m
