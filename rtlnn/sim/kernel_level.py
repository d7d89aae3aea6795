"""Simulates the kernel of a build: host, memory, bus masters, core."""

from rtlnn.emit.interface import Interface
from rtlnn.sim.bench import Bench, run_bench
from rtlnn.sim.job import Job
from rtlnn.sim.kernel_memory import WORD_BYTES, stride
from rtlnn.sim.result import Findings

__all__ = ["kernel_interval", "run_kernel"]


def kernel_interval(interface: Interface) -> int:
    """The core's interval, or the words of a frame where a memory bus (one word a cycle) is slower."""
    words = (stride(port) // WORD_BYTES for port in (interface.input, interface.output))
    return max(interface.interval_cycles, *words)


def run_kernel(job: Job, findings: Findings) -> None:
    """All frames in one start, with an ideal memory (the interval is measured) and with stalls on every channel."""
    interface = job.folder.interface
    files = (*job.folder.core_files, *job.folder.kernel_files)
    bench = Bench("kernel", "rtlnn.sim.kernel_test", interface.kernel or "", files)
    measured = run_bench(job, bench, job.frames, findings)
    if measured:
        findings.latency = measured.latency
        # an ideal memory is faster than the plan counts on
        findings.steady("bench no_stalls", measured.intervals, kernel_interval(interface), not interface.weights)
