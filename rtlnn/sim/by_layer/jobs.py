"""From a build folder to the work of each worker: layers with their tensors, grouped by configuration."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.names import SEPARATOR
from rtlnn.errors import InputError
from rtlnn.layers.arithmetic import Arithmetic
from rtlnn.layers.component import StreamingLayer
from rtlnn.plan.assembly import Assembly
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.layer_plan import LayerPlan
from rtlnn.plan.option import Option
from rtlnn.plan.tasks import tasks_of
from rtlnn.platforms.loader import load_platform
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.by_layer.work import Item, ModuleJob
from rtlnn.sim.reference import Reference
from rtlnn.sim.reference import load as load_reference

__all__ = ["Layers"]


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers of a build that are to be simulated.

    Parameters
    ----------
    arithmetic : of the platform
    options : of each layer, in the network's order
    lines : its line of the plan
    modules : its name in the build
    """

    folder: BuildFolder
    reference: Reference
    arithmetic: Arithmetic
    options: tuple[Option, ...]
    lines: tuple[LayerPlan, ...]
    modules: tuple[str, ...]

    @classmethod
    def of(cls, folder: BuildFolder, platform: Path | str | None, chosen: Sequence[str]) -> "Layers":
        """Those `chosen` by name, all if none is; `platform` defaults to the one that the plan names.

        Raises `InputError` for unknown names, and where the plan, the network and the platform do not fit together.
        """
        reference = load_reference(folder.path)
        plan = HardwarePlan.load(folder.path / "plan.json")
        tasks = tasks_of(reference.network.core, pools=True)
        names = [task.name for task in tasks]
        if unknown := [name for name in chosen if name not in names]:
            raise InputError(f"no layer is named {unknown[0]!r}; the layers are {', '.join(names)}")
        arithmetic = load_platform(platform or plan.platform).arithmetic
        options = plan.options(tasks, arithmetic)
        assembly = Assembly(reference.network.core, tasks, plan.dies)
        stages = iter(assembly.circuit(options, plan.depths(assembly.edges)).stages)
        top = folder.interface.top
        # stages are in the order of the options, with converters and queues between them
        modules = [next(f"{top}_{stage.name}" for stage in stages if stage.layer == option.layer) for option in options]
        kept = [n for n, name in enumerate(names) if not chosen or name in chosen]
        return cls(
            folder,
            reference,
            arithmetic,
            tuple(options[n] for n in kept),
            tuple(plan.layers[n] for n in kept),
            tuple(modules[n] for n in kept),
        )

    @property
    def configurations(self) -> list[list[int]]:
        """Numbers of the layers of each configuration."""
        found: dict[StreamingLayer, list[int]] = {}
        for number, option in enumerate(self.options):
            found.setdefault(option.layer, []).append(number)
        # the slowest to compile and to run first, so that no worker ends long after the others
        return sorted(found.values(), key=lambda numbers: -self.options[numbers[0]].resources.lut)

    def jobs(self, frames: Sequence[NDArray[np.integer]], stalls: bool, seed: int) -> Iterator[ModuleJob]:
        """The work, made as it is asked for; `frames` are the core's inputs."""
        wanted = {v for option in self.options for v in (*option.task.sources, option.task.result)}
        values = dict(zip(self.reference.network.core.inputs, frames, strict=True))
        values |= self.reference.values(tuple(frames), wanted)
        small = {name: _small(values[name]) for name in wanted}
        for numbers in self.configurations:
            yield ModuleJob(tuple(self._item(n, small) for n in numbers), stalls, seed)

    def _item(self, number: int, values: dict[str, NDArray[np.integer]]) -> Item:
        task, module = self.options[number].task, self.modules[number]
        nodes = [task.node, *([task.requantize] if task.requantize else [])]
        # the other layers' weights stay here
        needed = {v: task.constants[v] for node in nodes for v in node.inputs if v in task.constants}
        inputs = tuple(values[source] for source in task.sources)
        return Item(
            replace(task, constants=needed),
            self.lines[number],
            self.arithmetic,
            module,
            inputs,
            values[task.result],
            self._files(module),
        )

    def _files(self, module: str) -> dict[str, str]:
        """The build's files of a module; one that shares another's Verilog has memory files alone."""
        found = {}
        for folder, suffix in (("rtl", "v"), ("mem", "mem")):
            root = self.folder.path / folder
            for path in (root / f"{module}.{suffix}", *root.glob(f"{module}{SEPARATOR}*.{suffix}")):
                if path.is_file():
                    found[path.name] = path.read_text()
        return found


def _small(array: NDArray[np.integer]) -> NDArray[np.integer]:
    """The same integers in as few bytes as hold them: they travel to workers."""
    return array.astype(np.result_type(np.min_scalar_type(array.min()), np.min_scalar_type(array.max())))
