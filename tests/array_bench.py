"""A multiply-accumulate array alone: every step of its passes is a beat in, the sums of a pass are a beat out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from amaranth.hdl import Cat, ClockDomain, Elaboratable, Module, Signal

from rtlnn.emit.primitives import simulation_models
from rtlnn.emit.verilog import convert
from rtlnn.ir.types import Array
from rtlnn.layers.counter import count
from rtlnn.layers.mac import InferredMacArray, MacConfig
from rtlnn.layers.mac_array import PackedMacColumns, PackedMacControl
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.stream_run import NO_STALLS, PortNames, Stalls

__all__ = ["ArrayBench"]

Config = MacConfig | PackedMacConfig
_PORTS = PortNames("aclk", "aresetn", True, ("s_axis_",), ("m_axis_",), None)


class _Bench(Elaboratable):
    def __init__(self, config: Config, steps: int) -> None:
        self.config, self.steps = config, steps
        bits = config.positions * config.simd * config.x_bits + config.pe * config.simd * config.w_bits
        widths = {f"s_axis_{n}": w for n, w in (("tdata", bits), ("tvalid", 1), ("tlast", 1), ("tready", 1))}
        widths |= {f"m_axis_{n}": w for n, w in (("tvalid", 1), ("tlast", 1), ("tready", 1))}
        widths |= {"m_axis_tdata": config.sums * config.acc_bits, "aclk": 1, "aresetn": 1}
        self.ports = {name: Signal(width, name=name) for name, width in widths.items()}

    def elaborate(self, platform: object) -> Module:
        m, c, ports = Module(), self.config, self.ports
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [domain.clk.eq(ports["aclk"]), domain.rst.eq(~ports["aresetn"])]
        words = ports["s_axis_tdata"][c.positions * c.simd * c.x_bits :]
        weights = []
        for part in c.slices:
            word = Cat(words.word_select(pe * c.simd + n, c.w_bits) for pe, n in part.order)
            weights.append(delayed(m, word, part.delay, f"weights{part.delay}"))
        if isinstance(c, MacConfig):
            m.submodules.array = array = InferredMacArray(c)
            m.d.comb += array.weights.eq(weights[0])
            acc = array.acc
        else:
            m.submodules.array = array = PackedMacControl(c)
            m.submodules.columns = columns = PackedMacColumns(c, {name: name for name in c.parts})
            m.d.comb += [w.eq(word) for w, word in zip(columns.weights, weights, strict=True)]
            m.d.comb += [
                columns.inputs.eq(array.inputs),
                columns.valid.eq(array.column_valid),
                columns.first.eq(array.column_first),
            ]
            acc = columns.acc
        step, last = count(m, self.steps, ports["s_axis_tvalid"], "step")
        m.d.comb += [
            ports["s_axis_tready"].eq(1),
            array.x.eq(ports["s_axis_tdata"]),
            array.valid.eq(ports["s_axis_tvalid"]),
            array.first.eq(step == 0),
            array.last.eq(last),
            ports["m_axis_tdata"].eq(acc),
            ports["m_axis_tvalid"].eq(array.done),
            ports["m_axis_tlast"].eq(1),
        ]
        # a cycle ahead, as promised; if it ever lies, no result comes
        early = Signal()
        m.d.sync += early.eq(array.early)
        m.d.comb += ports["m_axis_tvalid"].eq(array.done & early)
        return m


@dataclass(frozen=True)
class ArrayBench:
    """An array, compiled, for passes of `steps` steps."""

    config: Config
    steps: int
    core: CompiledCore

    @classmethod
    def of(cls, config: Config, steps: int, folder: Path) -> "ArrayBench":
        bench = _Bench(config, steps)
        parts = {} if isinstance(config, MacConfig) else config.parts
        components = {name: (part.component(), None) for name, part in parts.items()}
        ports = {name: (port, None) for name, port in bench.ports.items()}
        modules = convert({**components, "bench": (bench, ports)})
        models = {"DSP48E2": simulation_models("DSP48E2")["sim/DSP48E2.v"]}
        file = folder / "bench.v"
        file.write_text("\n".join([*modules.values(), *models.values()]))
        bits = len(bench.ports["s_axis_tdata"])
        formats = (
            StreamFormat(bits, 1, False, bits, steps),
            StreamFormat(config.sums * config.acc_bits, 1, False, config.sums * config.acc_bits, 1),
        )
        return cls(config, steps, CompiledCore.build([file], "bench", *formats, ports=_PORTS))

    def run(self, x: Array, weights: Array, stalls: Stalls = NO_STALLS, reset_at: int | None = None) -> Array:
        """Sums [passes, positions, pe] of x [passes, steps, positions, simd] and weights [passes, steps, pe, simd].

        Asserts the latency of every pass.
        """
        c = self.config
        passes = len(x)
        bits = [
            values.reshape(passes, self.steps, -1, 1) >> np.arange(width) & 1
            for values, width in ((x, c.x_bits), (weights, c.w_bits))
        ]
        frames = np.concatenate([b.reshape(passes, self.steps, -1) for b in bits], axis=2)
        run = self.core.run(frames, source_stall=stalls, reset_at=reset_at)
        assert not run.violations
        last = np.asarray(run.input_cycles).reshape(passes, self.steps)[:, -1]
        # the sums are on the output `latency` cycles after the step, and taken in the same cycle
        assert (np.asarray(run.output_cycles) - last == c.latency).all()
        place = 1 << np.arange(c.acc_bits)
        place[-1] *= -1
        return (np.asarray(run.outputs).reshape(passes, c.positions, c.pe, c.acc_bits) * place).sum(axis=-1)

    def check(self, x: Array, weights: Array, stalls: Stalls = NO_STALLS, reset_at: int | None = None) -> None:
        """Assert that the sums are exact."""
        expected = np.einsum("tspn,tscn->tpc", x.astype(np.int64), weights.astype(np.int64))
        np.testing.assert_array_equal(self.run(x, weights, stalls, reset_at), expected)
