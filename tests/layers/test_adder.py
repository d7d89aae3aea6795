"""Adders in blocks: every carry between them."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, Value, signed
from amaranth.sim import Simulator

from rtlnn.layers.adder import add, grown

Rng = np.random.Generator


def _sums(
    m: Module, a: Signal, b: Signal, carry: Signal, result: Value, inputs: Iterable[tuple[int, int, int]]
) -> list[int]:
    found = []

    async def bench(ctx) -> None:  # type: ignore[no-untyped-def]
        for values in inputs:
            for signal, value in zip((a, b, carry), values, strict=True):
                ctx.set(signal, value)
            found.append(ctx.get(result))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def _cases(bits: int, rng: Rng) -> list[tuple[int, int, int]]:
    """Random numbers; carries that run from each bit to each other one; all bits."""
    last = (1 << bits) - 1
    cases = [(int(rng.integers(1 << 62)) & last, int(rng.integers(1 << 62)) & last, n & 1) for n in range(100)]
    cases += [(last >> k, 1 << n, 0) for k in range(bits) for n in range(0, bits, 7)]
    return [*cases, (last, 0, 1), (0, last, 1), (last, last, 1), (last, last, 0)]


@pytest.mark.parametrize("bits", [1, 24, 25, 30, 31, 46, 48])
def test_sums_wrap(bits: int, rng: Rng) -> None:
    m = Module()
    a, b, carry, result = Signal(bits), Signal(bits), Signal(), Signal(bits)
    m.d.comb += result.eq(add(m, a, b, bits, "total", carry))
    cases = _cases(bits, rng)
    assert _sums(m, a, b, carry, result, cases) == [sum(case) & (1 << bits) - 1 for case in cases]


@pytest.mark.parametrize(
    "make", [grown, lambda m, a, b, name: add(m, a, b, 31, name).as_signed()], ids=["grown", "add"]
)
def test_signed_numbers_of_unlike_widths(make: Callable[[Module, Value, Value, str], Value], rng: Rng) -> None:
    m = Module()
    a, b, carry, result = Signal(signed(30)), Signal(signed(9)), Signal(), Signal(signed(31))
    m.d.comb += result.eq(make(m, a, b, "total"))
    ends = [(x, y, 0) for x in (-(1 << 29), -1, 0, (1 << 29) - 1) for y in (-256, -1, 0, 255)]
    cases = [*ends, *((int(x), int(y), 0) for x, y in rng.integers((-(1 << 29), -256), (1 << 29, 256), (50, 2)))]
    assert _sums(m, a, b, carry, result, cases) == [x + y for x, y, _ in cases]
