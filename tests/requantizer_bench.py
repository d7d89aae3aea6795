"""Requantizers alone, side by side: every beat is one sum for each of them, with its parameters, and their results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from amaranth.hdl import ClockDomain, Elaboratable, Module, Signal

from rtlnn.emit.primitives import simulation_models
from rtlnn.emit.verilog import convert
from rtlnn.ir.types import Array
from rtlnn.layers.pipeline import delayed
from rtlnn.layers.requantizer import RequantizeConfig, Requantizer
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.stream_run import NO_STALLS, PortNames, Stalls

__all__ = ["Job", "run"]

_PORTS = PortNames("aclk", "aresetn", True, ("s_axis_",), ("m_axis_",), None)


@dataclass(frozen=True, eq=False)
class Job:
    """What one requantizer has to do: sums [N] before the bias is added, and the parameters of each."""

    config: RequantizeConfig
    sums: Array
    bias: Array
    multiplier: Array
    offset: Array
    shift: Array

    @property
    def bytes(self) -> int:
        return -(-(self.config.acc_bits + self.config.parameter_bits) // 8)

    def beats(self) -> Array:
        """[N, bytes]"""
        c, columns = self.config, (self.bias, self.multiplier, self.offset, self.shift)
        rows = zip(self.sums, *columns, strict=True)
        words = [c.parameter_word(*map(int, row)) << c.acc_bits | int(s) & (1 << c.acc_bits) - 1 for s, *row in rows]
        data = b"".join(word.to_bytes(self.bytes, "little") for word in words)
        return np.frombuffer(data, np.uint8).reshape(-1, self.bytes)


class _Bench(Elaboratable):
    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        widths = {f"s_axis_{n}": 1 for n in ("tvalid", "tlast", "tready")}
        widths |= {f"m_axis_{n}": 1 for n in ("tvalid", "tlast", "tready")} | {"aclk": 1, "aresetn": 1}
        widths |= {"s_axis_tdata": 8 * sum(job.bytes for job in jobs), "m_axis_tdata": 16 * len(jobs)}
        self.ports = {name: Signal(width, name=name) for name, width in widths.items()}

    def elaborate(self, platform: object) -> Module:
        m, ports = Module(), self.ports
        m.domains.sync = domain = ClockDomain()
        m.d.comb += [
            domain.clk.eq(ports["aclk"]),
            domain.rst.eq(~ports["aresetn"]),
            ports["s_axis_tready"].eq(1),
            ports["m_axis_tlast"].eq(1),
        ]
        most, at = max(job.config.latency for job in self.jobs), 0
        valid = ports["s_axis_tvalid"]
        for n, job in enumerate(self.jobs):
            c = job.config
            m.submodules[f"requantizer{n}"] = dut = Requantizer(c)
            data = ports["s_axis_tdata"][at : at + 8 * job.bytes]
            at += 8 * job.bytes
            m.d.comb += [dut.acc.eq(data), dut.parameters.eq(data[c.acc_bits :]), dut.valid.eq(valid)]
            # results that are not as late as promised meet those of another beat
            late = delayed(m, dut.y, most - c.latency, f"y{n}")
            m.d.comb += ports["m_axis_tdata"].word_select(n, 16).eq(late)
            done = delayed(m, dut.done, most - c.latency, f"done{n}", reset=True)
            m.d.comb += ports["m_axis_tvalid"].eq(done)
        return m


def run(jobs: Sequence[Job], folder: Path, stalls: Stalls = NO_STALLS) -> list[Array]:
    """The results [N] of each job. Asserts the latency of every one."""
    bench = _Bench(jobs)
    modules = convert({"bench": (bench, {name: (port, None) for name, port in bench.ports.items()})})
    file = folder / "bench.v"
    file.write_text("\n".join([*modules.values(), simulation_models("DSP48E2")["sim/DSP48E2.v"]]))
    beats = np.concatenate([job.beats() for job in jobs], axis=1).astype(np.int64)
    formats = StreamFormat(beats.shape[1], 8, False, beats.shape[1], 1), StreamFormat(len(jobs), 16, True, len(jobs), 1)
    core = CompiledCore.build([file], "bench", *formats, ports=_PORTS)
    result = core.run(beats[:, np.newaxis], source_stall=stalls)
    assert not result.violations
    latency = max(job.config.latency for job in jobs)
    assert (np.asarray(result.output_cycles) - np.asarray(result.input_cycles) == latency).all()
    columns = np.asarray(result.outputs).reshape(-1, len(jobs)).T
    return [column & (1 << job.config.out_bits) - 1 for column, job in zip(columns, jobs, strict=True)]
