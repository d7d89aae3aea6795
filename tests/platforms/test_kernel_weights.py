"""The kernel's port for weights: read once for every address, and declared to the vendor's tools."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import numpy as np
from amaranth.sim import Simulator, SimulatorContext
from kernel_stub import Sizes

from rtlnn.platforms import load_platform
from rtlnn.platforms.alveo.weights import WeightReader
from rtlnn.platforms.shells import emit_shell

BEATS = 45
WORD = 64
FIRST, SECOND = 0x3_0000_0FC0, 0x7_0000_0000
FAULTY = 0x9_0000_0000


def _memory(address: int) -> bytes:
    return np.random.default_rng(address).integers(0, 256, -(-BEATS * 8 // WORD) * WORD, dtype=np.uint8).tobytes()


class _Bench:
    """A memory that answers the reader's bursts, a core that stalls now and then, and a host's starts."""

    def __init__(self) -> None:
        self.dut = WeightReader(BEATS)
        self.asked: list[tuple[int, int]] = []
        self.came: list[list[int]] = [[]]

    def run(self, host: Callable[[SimulatorContext], Coroutine[None, None, None]]) -> None:
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-8)
        simulator.add_testbench(self.memory, background=True)
        simulator.add_testbench(self.core, background=True)
        simulator.add_testbench(host)
        simulator.run()

    async def memory(self, ctx: SimulatorContext) -> None:
        axi = self.dut.axi
        ctx.set(axi.arready, 1)
        while True:
            *_, asks, address, length = await ctx.tick().sample(axi.arvalid, axi.araddr, axi.arlen)
            if not asks:
                continue
            self.asked.append((address, length + 1))
            base = next(base for base in (FIRST, SECOND, FAULTY) if base <= address < base + 4096)
            for n in range(length + 1):
                place = address - base + n * WORD
                ctx.set(axi.rdata, int.from_bytes(_memory(base)[place : place + WORD], "little"))
                ctx.set(axi.rresp, 2 if base == FAULTY else 0)
                ctx.set(axi.rlast, n == length)
                ctx.set(axi.rvalid, 1)
                await ctx.tick()
            ctx.set(axi.rvalid, 0)

    async def core(self, ctx: SimulatorContext) -> None:
        dut, cycle = self.dut, 0
        while True:
            ctx.set(dut.tready, cycle % 5 != 0)
            *_, valid, ready, last, data = await ctx.tick().sample(dut.tvalid, dut.tready, dut.tlast, dut.tdata)
            cycle += 1
            if valid and ready:
                self.came[-1].append(data)
                if last:
                    self.came.append([])

    async def start(self, ctx: SimulatorContext, address: int, busy: int = 0) -> int:
        """Cycles until it is taken; in the first `busy` ones a run goes on."""
        dut, before, cycles = self.dut, len(self.asked), 0
        ctx.set(dut.address, address)
        await ctx.tick().repeat(2)
        ctx.set(dut.wanted, 1)
        ctx.set(dut.idle, busy == 0)
        while not ctx.get(dut.ready):
            await ctx.tick()
            cycles += 1
            if cycles == busy:
                assert len(self.asked) == before, "read while a run goes on"
                ctx.set(dut.idle, 1)
        await ctx.tick()
        ctx.set(dut.wanted, 0)
        return cycles


def test_weights_are_read_once_for_every_address() -> None:
    """At the first start, at one with another address when all before it is done, and never else."""
    bench = _Bench()
    start, asked, error = bench.start, bench.asked, bench.dut.error

    async def host(ctx: SimulatorContext) -> None:
        assert await start(ctx, FIRST) > BEATS
        bursts = [(FIRST, 1), (FIRST + WORD, 5)]
        assert asked == bursts, "none crosses 4 KiB"
        assert await start(ctx, FIRST) == await start(ctx, FIRST, busy=5) == 0
        assert asked == bursts
        assert await start(ctx, SECOND, busy=50) > BEATS + 50
        assert await start(ctx, FIRST) > BEATS
        assert not ctx.get(error)
        await start(ctx, FAULTY)
        assert ctx.get(error)
        await start(ctx, SECOND)
        assert not ctx.get(error)

    bench.run(host)
    bases = FIRST, SECOND, FIRST, FAULTY, SECOND
    expected = [np.frombuffer(_memory(base)[: BEATS * 8], "<u8").tolist() for base in bases]
    assert bench.came == [*expected, []]


def test_the_scripts_name_the_bus(tmp_path: Path) -> None:
    sizes = Sizes(in_bytes=1, out_bytes=3, beats=41)
    texts = []
    for beats in (None, BEATS):
        folder = tmp_path / str(beats)
        emit_shell(replace(sizes.interface, weight_beats=beats), load_platform("u200"), folder)
        files = sorted(file for file in (folder / "kernel").rglob("*") if file.is_file())
        texts.append({file.name: file.read_text() for file in files})
    plain, loading = texts
    assert not any("weights" in text for text in plain.values())
    script = loading["package_kernel.tcl"]
    assert "foreach bus {s_axi_control m_axi_in m_axi_out m_axi_weights}" in script
    assert "weights 0x038 64 {m_axi_weights}" in script
    assert "m_axi_weights MAX_BURST_LENGTH" in script
    assert "m_axi_weights:DDR" in next(text for name, text in loading.items() if name.endswith(".cfg"))
    assert ".s_axis_weights_tdata(" in loading["core_kernel.v"]
