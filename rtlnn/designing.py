"""From a model to its design on a platform."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import onnx

from rtlnn.errors import InputError
from rtlnn.ir.network import Network
from rtlnn.load import load_network
from rtlnn.options import Options, Progress
from rtlnn.plan.boundary import element_bits
from rtlnn.plan.goal import Goal
from rtlnn.plan.hardware_plan import HardwarePlan
from rtlnn.plan.planner import Design, plan_network
from rtlnn.platforms.alveo.units import with_units
from rtlnn.platforms.loader import load_platform
from rtlnn.platforms.shells import link_cycles
from rtlnn.platforms.spec import Platform

__all__ = ["designed"]

_KEEPS_UP = (
    "the smallest design that keeps up with the line to the host; --target-interval or --target-fps: a faster one"
)


def designed(model: Path | str | onnx.ModelProto, options: Options, progress: Progress) -> tuple[Design, Platform]:
    """The design of `model` for `options`, and the platform that they name.

    Where nothing is asked of its speed or size, and the link to the host is slow, it is the smallest that keeps up.
    Raises `InputError`.
    """
    platform = load_platform(options.platform)
    if options.compute_units is not None:
        platform = with_units(platform, options.compute_units)
    given = HardwarePlan.load(options.plan) if options.plan else None
    goal, budget = options.goal(platform), options.budget(platform)
    settings, notes = options.layer_settings(model, progress)
    progress("reading the model")
    network = load_network(
        model, options.calibration, options.input_shapes, options.precision, settings, options.calibration_method,
        options.softmax, progress, options.reloadable,
    )  # fmt: skip
    _check_shell(network, platform)
    if given is not None and given.platform != platform.name:
        notes += (f"the plan was made for platform {given.platform}",)
    network = replace(network, notes=(*network.notes, *notes))
    dies, memory = options.dies(platform), options.memory(platform)

    def planned(network: Network, goal: Goal) -> Design:
        return plan_network(network, platform.name, platform.arithmetic, goal, budget, given, dies, progress, memory)

    design, line = None, _line_cycles(network, platform)
    if line is not None and options.asks_nothing:
        with suppress(InputError):  # where the chip is too small for that
            design = planned(replace(network, notes=(*network.notes, _KEEPS_UP)), Goal(interval=line))
    design = design or planned(network, goal)
    if design.circuit.weights and memory is None:
        raise InputError(f"the plan streams weights, which platform {platform.name} cannot do; choose vu9p, say")
    if options.batch > 1 and not design.circuit.weights:
        note = f"no layer's weights are streamed: a batch of {options.batch} frames changes nothing"
        design = replace(design, network=replace(design.network, notes=(*design.network.notes, note)))
    return design, platform


def _line_cycles(network: Network, platform: Platform) -> int | None:
    """Cycles of a frame on the link to the host; None where that is no limit."""
    core = network.core
    sides = ([core.types[v] for v in values] for values in (core.inputs, core.outputs))
    most = max(sum(kind.size * element_bits(kind) // 8 for kind in kinds) for kinds in sides)
    return link_cycles(platform, most)


def _check_shell(network: Network, platform: Platform) -> None:
    """Raise `InputError` if the platform's shell has too few streams."""
    core = network.core
    if platform.shell and (len(core.inputs), len(core.outputs)) != (1, 1):
        raise InputError(
            f"{network.name} has {len(core.inputs)} inputs and {len(core.outputs)} outputs in hardware, but the shell "
            f"of platform {platform.name} has one of each; choose a platform without a shell, such as vu9p"
        )
