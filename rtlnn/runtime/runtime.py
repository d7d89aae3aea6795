"""A build as a function of the model's own inputs, whatever runs it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from rtlnn.emit.interface import Interface
from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.runtime.backend import Backend, Noting, Reloading
from rtlnn.runtime.inputs import frames_of
from rtlnn.runtime.openers import open_backend
from rtlnn.runtime.reload import memory_files, reloaded
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.reference import load as load_reference

__all__ = ["BATCH", "Run", "Runtime", "load"]

BATCH = 1024
"""Frames that go to the back end at once; more are cut into batches."""


@dataclass(frozen=True)
class Run:
    """Results and times of one call.

    Parameters
    ----------
    outputs : the model's own outputs (N, ...) by name
    frames : N
    seconds : in the back end, wall clock, without what the host does before and after it
    host_seconds : of what the host does: quantization and layout before it, scaling and the like after it
    cycles : clock cycles in the hardware, where the back end knows them; of several batches, their sum
    note : what went wrong since the back end was opened, and was mended; empty if nothing did
    """

    outputs: Mapping[str, Array]
    frames: int
    seconds: float
    host_seconds: float
    cycles: int | None
    note: str = ""


class Runtime:
    """A build that is ready to run; a context manager, which closes the back end.

    Parameters
    ----------
    network : with what the host does before and after the core
    interface : the core's ports
    backend : runs the core; the runtime closes it
    batch : frames that go to the back end at once
    folder : of the build, where weights are to be reloaded
    """

    def __init__(
        self,
        network: Network,
        interface: Interface,
        backend: Backend,
        batch: int = BATCH,
        folder: Path | None = None,
    ) -> None:
        if batch < 1:
            raise InputError(f"a batch of {batch} frames cannot be run; give at least 1")
        self.network, self.interface, self.folder = network, interface, folder
        # whole batches of the hardware
        self._batch = -(-batch // interface.batch) * interface.batch
        self._backend, self._closed = backend, False

    def __call__(self, *x: Array, **named: Array) -> Array:
        """The model's only output (N, ...), for what `run` takes. Raises `InputError` if it has several."""
        name = self.network.output.name
        return self.run(*x, **named).outputs[name]

    def run(self, *x: Array, **named: Array) -> Run:
        """Run the model on its own inputs, in its order, or by name.

        Each is an array of numbers in the model's own layout: (N, ...), or one frame without the first dimension. Real
        numbers for a real input are quantized here; an integer input takes integers within its range.
        Raises `InputError` if an input is missing, or its shape, type or values do not fit; `CheckFailed` if the
        hardware fails.
        """
        if self._closed:
            raise InputError("this runtime is closed; load the build again")
        given = frames_of(self.network, x, named)
        frames = len(given[0])
        started = time.perf_counter()
        runs = [self._run_batch([a[n : n + self._batch] for a in given]) for n in range(0, frames, self._batch)]
        outputs = {
            port.name: np.concatenate([made[number] for made, _, _ in runs])
            for number, port in enumerate(self.network.outputs)
        }
        seconds = sum(taken for _, taken, _ in runs)
        known = [cycles for _, _, cycles in runs if cycles is not None]
        cycles = sum(known) if len(known) == len(runs) else None
        note = self._backend.note if isinstance(self._backend, Noting) else ""
        return Run(outputs, frames, seconds, time.perf_counter() - started - seconds, cycles, note)

    def reload(self, layer: str, weights: Array, bias: Array | None = None) -> None:
        """Replace the weights of a layer, and its biases, from the next run on; `network` has them then, too.

        They are integers in the shape of those of `network.core`: of a dense layer (outputs, inputs), of a convolution
        (outputs, rows, columns, inputs of a group).
        Raises `InputError` if the layer was not built for that (`--reloadable`), if they do not fit its hardware, or
        if the back end cannot do it; then all is as before.
        """
        if self._closed:
            raise InputError("this runtime is closed; load the build again")
        if self.folder is None:
            raise InputError("this runtime was made without its build's folder; load the build with rtlnn.runtime.load")
        if not isinstance(self._backend, Reloading):
            raise InputError("this back end cannot reload weights; the simulator, the reference and XRT can")
        network = reloaded(self.network, layer, weights, bias)
        self._backend.reload(network, memory_files(self.folder, self.interface, network))
        self.network = network

    def _run_batch(self, given: list[Array]) -> tuple[tuple[Array, ...], float, int | None]:
        """The model's outputs, seconds and cycles in the back end."""
        count, batch = len(given[0]), self.interface.batch
        whole = -(-count // batch) * batch
        buses = zip(self.interface.inputs, self.network.to_core(*given), strict=True)
        # frames again, where the hardware takes whole batches
        frames = {bus: np.resize(np.asarray(array, np.int64), (whole, *array.shape[1:])) for bus, array in buses}
        started = time.perf_counter()
        made = self._backend.run(frames)
        seconds = time.perf_counter() - started
        outputs = self.network.from_core(*(np.asarray(made[bus], np.int64)[:count] for bus in self.interface.outputs))
        return outputs, seconds, self._backend.cycles

    def close(self) -> None:
        """Give back what the back end holds; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def load(build_dir: Path | str, backend: str = "simulator", *, batch: int = BATCH, **options: Any) -> Runtime:
    """Make a build ready to run.

    Parameters
    ----------
    build_dir : a folder that `rtlnn build` wrote; nothing else is needed
    backend : see `rtlnn.runtime.openers`; the simulator needs no board, the reference no tool
    batch : frames that go to the back end at once
    options : of the back end

    Raises `InputError` if the folder is not complete, or the back end cannot be opened with these options.
    """
    folder = BuildFolder.open(Path(build_dir))
    network = load_reference(folder.path).network
    return Runtime(network, folder.interface, open_backend(backend, folder, options), batch, folder.path)
