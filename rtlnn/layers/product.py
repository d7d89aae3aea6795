"""The product in a requantization, in the multipliers that the chip has: (sum + bias)·multiplier + offset."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from rtlnn.layers.adder import add
from rtlnn.layers.dsp48e2 import CASCADE_SHIFT, Operand, multiply_again, multiply_shifted
from rtlnn.layers.pipeline import delayed, registered
from rtlnn.layers.product_config import P_BITS, REGISTERED_PRODUCT, ProductBody, ProductConfig
from rtlnn.layers.product_serial import serial_product

__all__ = ["Product"]


@dataclass(frozen=True)
class Product:
    """A product in hardware: `value`·2**`dropped`, and whether what was dropped is not zero."""

    value: Value
    dropped: int
    rest: Value

    @classmethod
    def of(
        cls,
        m: Module,
        c: ProductConfig,
        total: tuple[Value, Value],
        factors: tuple[Value, Value],
        valid: Value,
        useless: int,
        name: str,
    ) -> "Product":
        """The product, `c.latency` cycles later.

        `total` are sum and bias, `factors` multiplier and offset; `valid` says when they come. Of the lowest `useless`
        bits it only matters whether they are all zero.
        """
        acc, bias = total
        multiplier, offset = factors
        acc = acc.as_signed() if c.sum_signed else acc
        if c.adder:
            acc = add(m, acc, bias, c.sum_bits, f"{name}biased")
            acc = registered(m, acc.as_signed() if c.sum_signed else acc, f"{name}total")
        match c.body:
            case ProductBody.SHIFT:
                return cls(acc if c.sum_signed else Cat(acc, Const(0, 1)).as_signed(), 0, Const(0, 1))
            case ProductBody.INFERRED:
                multiplier = registered(m, multiplier.as_signed(), f"{name}multiplier")
                value = delayed(m, acc * multiplier, REGISTERED_PRODUCT, f"{name}product")
                if c.offset_bits:
                    offset = delayed(m, offset.as_signed(), 1 + REGISTERED_PRODUCT, f"{name}offset")
                    value = registered(
                        m, add(m, value, offset, c.bits, f"{name}offset_sum").as_signed(), f"{name}moved"
                    )
                return cls(value, 0, Const(0, 1))
            case ProductBody.SERIAL:
                number = acc if c.sum_signed else Cat(acc, Const(0, 1)).as_signed()
                start = registered(m, valid, f"{name}start", reset=True)
                return cls(*serial_product(m, number, multiplier, start, useless, name))
        slices = _Slices(m, c, (acc, bias), factors, name)
        if c.body is ProductBody.CASCADE:
            return cls(*slices.cascade(useless))
        if c.body is ProductBody.AGAIN:
            return cls(*slices.again(valid, useless))
        return cls(slices.narrow() if c.body is ProductBody.NARROW else slices.wide(), 0, Const(0, 1))


class _Slices:
    """The bodies of DSP48E2 slices."""

    def __init__(
        self, m: Module, c: ProductConfig, total: tuple[Value, Value], factors: tuple[Value, Value], name: str
    ) -> None:
        self._m, self._c, self._name = m, c, name
        self._acc, self._bias = total
        # wide enough to be cut for a cascade
        self._multiplier, self._offset = (_extended(v, CASCADE_SHIFT + 1) for v in factors)
        self._cascade: Signal | None = None

    def narrow(self) -> Value:
        # the multiplier waits in the slice for the sum with the bias
        p = self._slice(0, Operand(self._multiplier, 1 + self._early), None, Operand(self._acc, 1), self._offset)
        return p[: self._c.bits].as_signed()

    def wide(self) -> Value:
        p = self._slice(0, *self._sum(0), Operand(self._multiplier, 1 + self._early), self._offset)
        return p[self._c.lift :][: self._c.bits].as_signed()

    def cascade(self, useless: int) -> tuple[Value, int, Value]:
        m, at = self._m, CASCADE_SHIFT
        low = self._slice(0, *self._sum(0), Operand(self._multiplier[:at], 1 + self._early), self._offset[:at])
        factor = delayed(m, self._multiplier[at:].as_signed(), self._early, f"{self._name}high")
        offset = delayed(m, self._offset[at:].as_signed(), 1, f"{self._name}offset")
        high = self._slice(1, *self._sum(1), Operand(factor, 2), offset)
        return self._joined(low, high, useless)

    def again(self, valid: Value, useless: int) -> tuple[Value, int, Value]:
        m, c, at = self._m, self._c, CASCADE_SHIFT
        second = registered(m, valid, f"{self._name}second", reset=True)
        factor = Mux(second, self._multiplier[at:].as_signed(), self._multiplier[:at])
        p, cascade = Signal(P_BITS, name=f"{self._name}p0"), Signal(P_BITS, name=f"{self._name}pcout0")
        # as much later as `multiply_again` wants it
        turn = delayed(m, second, c.latency - 3, f"{self._name}turn", reset=True)
        instance = multiply_again(*self._sum(0), Operand(factor, 1 + self._early), p, cascade, turn)
        m.submodules[f"{self._name}dsp0"] = instance
        return self._joined(p, p, useless)

    def _joined(self, low: Value, high: Value, useless: int) -> tuple[Value, int, Value]:
        """The lower bits come from the first product, one cycle early."""
        m, c, at = self._m, self._c, CASCADE_SHIFT
        first = c.lift + min(useless, at - c.lift)
        rest = registered(m, low[c.lift : first].any(), f"{self._name}rest") if first > c.lift else Const(0, 1)
        kept = [registered(m, low[first:at], f"{self._name}low")] if first < at else []
        return Cat(*kept, high)[: c.bits + c.lift - first].as_signed(), first - c.lift, rest

    @property
    def _early(self) -> int:
        """Cycles by which the multiplier is there before the operand that it meets."""
        return self._c.adder + self._c.pre_adder

    def _sum(self, number: int) -> tuple[Operand, Value | None]:
        """A and D of slice `number`, which is as many cycles later."""
        c = self._c
        if not c.pre_adder:
            return Operand(self._acc, 1 + number), None
        zeros = [Const(0, c.lift)] if c.lift else []
        bias = delayed(self._m, self._bias, number, f"{self._name}bias")
        return Operand(Cat(*zeros, self._acc).as_signed(), 1 + number), Cat(*zeros, bias).as_signed()

    def _slice(self, number: int, a: Operand, d: Value | None, b: Operand, offset: Value) -> Signal:
        c = self._c
        p = Signal(P_BITS, name=f"{self._name}p{number}")
        cascade = Signal(P_BITS, name=f"{self._name}pcout{number}")
        addend: Value | None = None
        if c.offset_bits:
            # registered once in the slice, added in its last cycle
            slice_latency = c.latency - (c.body is ProductBody.CASCADE)
            addend = delayed(self._m, offset, slice_latency - 2, f"{self._name}c{number}")
        instance = multiply_shifted(a, d, b, addend, p, self._cascade, cascade)
        self._m.submodules[f"{self._name}dsp{number}"] = instance
        self._cascade = cascade
        return p


def _extended(value: Value, bits: int) -> Value:
    """Sign-extended to at least so many bits."""
    return (
        (value.as_signed() + Const(0, signed(bits)))[: max(bits, len(value))].as_signed()
        if len(value)
        else Const(0, signed(bits))
    )
