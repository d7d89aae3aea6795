"""The simulator as a back end: the generated Verilog, compiled with Verilator."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rtlnn.emit.interface import Interface
from rtlnn.errors import CheckFailed
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.runtime.backend import Backend
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.compiled import compile_core, quiet_limit
from rtlnn.sim.harness import CompiledCore

__all__ = ["open_simulator"]


class _SimulatorBackend:
    """Each run starts from reset, without stalls on either side."""

    cycles: int | None = None

    def __init__(self, interface: Interface, core: CompiledCore) -> None:
        self._interface, self._core = interface, core
        self._own: TemporaryDirectory[str] | None = None  # memory files that were reloaded

    def run(self, frames: Mapping[str, Array]) -> Mapping[str, Array]:
        inputs = [frames[bus] for bus in self._interface.inputs]
        run = self._core.run(inputs, quiet_limit=quiet_limit(self._interface))
        wrong = [*run.violations]
        if run.frame_error:
            wrong.append(f"frame_error is high from cycle {run.frame_error_cycle}")
        if wrong:
            raise CheckFailed(f"the simulated design broke its contract: {'; '.join(wrong)}")
        self.cycles = int(run.ends[-1])
        ports = self._interface.outputs.items()
        return {bus: sink.values.reshape(-1, *port.shape) for (bus, port), sink in zip(ports, run.sinks, strict=True)}

    def reload(self, network: Network, files: Mapping[str, bytes]) -> None:
        if self._own is None:
            self._own = TemporaryDirectory(prefix="rtlnn-mem-")
            shutil.copytree(self._core.mem_dir, self._own.name, dirs_exist_ok=True)
            self._core = replace(self._core, mem_dir=Path(self._own.name).resolve())
        for name, contents in files.items():
            (Path(self._own.name) / name).write_bytes(contents)

    def close(self) -> None:
        """Every run gives back its instance itself."""
        if self._own is not None:
            self._own.cleanup()


def open_simulator(folder: BuildFolder, cache_dir: Path | str | None = None) -> Backend:
    """The back end of a build. The first call for a design compiles it; the result is kept in `cache_dir`.

    That is the user's cache folder by default, where `rtlnn simulate` keeps its builds, too. It takes seconds for a
    small design, minutes for a large one.
    Raises `InputError` without tools, `BuildError` if Verilator or the compiler refuses the design.
    """
    return _SimulatorBackend(folder.interface, compile_core(folder, None if cache_dir is None else Path(cache_dir)))
