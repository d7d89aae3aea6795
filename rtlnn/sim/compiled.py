"""A build's core, compiled: for thousands of frames."""

from pathlib import Path

from rtlnn.emit.interface import Interface
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.packing import port_format, weight_format
from rtlnn.sim.stream_run import PortNames, WeightSource

__all__ = ["compile_core", "quiet_limit"]


def compile_core(folder: BuildFolder, cache_dir: Path | None = None) -> CompiledCore:
    """The core of a build folder as a shared library, from the cache if it was compiled before.

    Raises `InputError` without tools, `BuildError` if Verilator or the compiler refuses the design.
    """
    interface = folder.interface
    return CompiledCore.build(
        folder.core_files,
        interface.top,
        [port_format(port) for port in interface.inputs.values()],
        [port_format(port) for port in interface.outputs.values()],
        folder.mem_dir,
        ports=PortNames.core(
            (*interface.inputs, *interface.weights), interface.outputs, interface.weight_beats is not None
        ),
        weights=[
            WeightSource(weight_format(port), port.file, port.batch, port.pace) for port in interface.weights.values()
        ],
        cache_dir=cache_dir,
    )


def quiet_limit(interface: Interface) -> int:
    """Cycles without a handshake that make a deadlock: far more than any layer computes on one beat."""
    return 20_000 + 4 * (interface.latency_cycles + interface.interval_cycles)
