"""The report of a design: one object for people's tables and for machines."""

from typing import Any

from rtlnn.layers.component import Resources
from rtlnn.layers.streamed import StreamedConfig
from rtlnn.ops import Conv2D, Dense
from rtlnn.plan.bounds import Bound, bounds_of
from rtlnn.plan.dies import on_dies
from rtlnn.plan.option import Option
from rtlnn.plan.planner import Design
from rtlnn.platforms.spec import Platform

__all__ = ["report_of"]


def report_of(design: Design, platform: Platform, units: int = 1) -> dict[str, Any]:
    """Everything that is known of `design` before it is built; plain JSON data.

    Latency and interval are in clock cycles and exact; resources are estimates. With several compute `units`, frame
    rate and resources are those of all, everything else that of one.
    """
    timing = design.schedule
    network = design.network
    places = design.plan.dies
    names = [region.name for region in platform.slrs]
    streams = iter(design.circuit.weights)
    bounds = [bounds_of(c.layer, next(streams) if c.layer.streamed else None) for c in design.options]
    slowest = max(max(found.values()) for found in bounds)
    layers = [
        _layer(c, found, slowest, names[places[c.task.name]] if places else None)
        for c, found in zip(design.options, bounds, strict=True)
    ]
    macs = sum(layer["macs"] for layer in layers)
    multipliers = sum(layer["dsp"] for layer in layers)
    return {
        "model": network.name,
        "platform": platform.name,
        "part": platform.part,
        "clock_mhz": platform.clock_mhz,
        "compute_units": units,
        "latency_cycles": timing.latency,
        "interval_cycles": timing.interval,
        "latency_us": timing.latency / platform.clock_mhz,
        "fps": units * platform.clock_mhz * 1e6 / timing.interval,
        "macs": macs,
        "macs_per_cycle_and_dsp": macs / timing.interval / multipliers if multipliers else 0.0,
        "batch": design.circuit.batch,
        "streamed_bytes": sum(
            c.layer.weight_bytes / c.layer.batch for c in design.options if isinstance(c.layer, StreamedConfig)
        ),
        "memory_bytes_per_cycle": platform.bytes_per_cycle,
        "arithmetic": platform.arithmetic.value,
        "layers": layers,
        "resources": _amounts(sum([design.resources] * units, Resources())),
        "available": _amounts(platform.available),
        "bound": _bound(design),
        "dies": [
            {"name": name, **_amounts(used)}
            for name, used in zip(names, on_dies(design.circuit, len(names)), strict=True)
            if places
        ],
        "host": {
            "head": [_host_node(n.name, type(n.op).__name__) for n in network.head.nodes],
            "tail": [_host_node(n.name, type(n.op).__name__) for n in network.tail.nodes],
        },
        "notes": list(network.notes),
    }


def _bound(design: Design) -> dict[str, int | float | None] | None:
    """How far from the best the plan may be, of the foldings that were looked at; None where nothing is known."""
    margin = design.margin
    if margin is None:
        return None
    return {"interval_cycles": margin.interval, "excess": margin.excess, "paced": margin.paced}


def _layer(option: Option, bounds: dict[Bound, int], slowest: int, die: str | None) -> dict[str, Any]:
    task, cost, cycles = option.task, option.resources, max(bounds.values())
    pe, simd = option.multipliers
    windowed = task.is_kernel and not isinstance(task.node.op, Dense)
    return {
        "name": task.name,
        "op": task.kind,
        "input_shape": list(task.input.shape),
        "output_shape": list(task.output.shape),
        "kernel": list(task.window.kernel) if windowed else None,
        "pe": pe,
        "simd": simd,
        "cycles": cycles,
        "bounds": {bound.value: n for bound, n in bounds.items()},
        "bound": next(bound.value for bound, n in bounds.items() if n == cycles),
        "batch": option.layer.batch if isinstance(option.layer, StreamedConfig) else None,
        "macs": task.macs,
        "macs_per_cycle_and_dsp": task.macs / cycles / cost.dsp if cost.dsp else 0.0,
        "weight_bits": option.weight_bits,
        "limits": cycles == slowest,
        "die": die,
        "weights": isinstance(task.node.op, (Conv2D, Dense)),
        **_amounts(cost),
    }


def _amounts(r: Resources) -> dict[str, int | float]:
    return {"lut": r.lut, "ff": r.ff, "dsp": r.dsp, "bram36": r.bram36, "uram": r.uram}


def _host_node(name: str, op: str) -> dict[str, str]:
    return {"name": name, "op": op}
