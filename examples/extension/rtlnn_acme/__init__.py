"""Operators of the domain com.acme for rtlnn."""

from rtlnn.extensions import Extensions
from rtlnn_acme.dialect import DOMAIN, drop_low_bits, scaled_relu
from rtlnn_acme.layer import DropLowBitsKind
from rtlnn_acme.operation import DropLowBits

__all__ = ["DOMAIN", "register"]


def register(extensions: Extensions) -> None:
    """The entry point: what this package adds."""
    extensions.handler("ScaledRelu", 1, domain=DOMAIN)(scaled_relu)
    extensions.handler("DropLowBits", 1, domain=DOMAIN)(drop_low_bits)
    extensions.operation(DropLowBits)
    extensions.layer(DropLowBits, DropLowBitsKind())
