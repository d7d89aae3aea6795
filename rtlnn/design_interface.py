"""The boundary of a design on a platform: its ports, their names, and what its shell makes of them."""

from collections.abc import Sequence

from rtlnn.emit.interface import Interface, WeightPort
from rtlnn.ir.network import ModelPort
from rtlnn.layers.circuit import Circuit
from rtlnn.plan.boundary import identifier, port_of
from rtlnn.plan.planner import Design
from rtlnn.platforms.shells import compute_units, kernel_name
from rtlnn.platforms.spec import Platform

__all__ = ["interface_of"]


def interface_of(design: Design, platform: Platform) -> Interface:
    """Raises `InputError` with the numbers if the platform has too few places for the compute units."""
    network, circuit = design.network, design.circuit
    core = network.core
    top = identifier(network.name)
    beats = loader.beats if (loader := circuit.loader) else None
    inputs, outputs = _buses("s_axis", core.inputs, network.inputs), _buses("m_axis", core.outputs, network.outputs)
    weights = _weight_ports(circuit, inputs)
    return Interface(
        top,
        kernel_name(top, platform),
        {bus: port_of(core.types[v], fmt) for bus, v, fmt in zip(inputs, core.inputs, circuit.inputs, strict=False)},
        {
            bus: port_of(core.types[v], fmt)
            for bus, v, fmt in zip(outputs, core.outputs, circuit.output_formats, strict=True)
        },
        design.schedule.latency,
        design.schedule.interval,
        beats,
        compute_units(top, platform, design.resources, beats, weights, spread=bool(design.plan.dies)),
        weights,
    )


def _weight_ports(circuit: Circuit, inputs: Sequence[str]) -> dict[str, WeightPort]:
    """The streams that bring weights, after those of the `inputs`."""
    taken, ports = [bus.removeprefix("s_axis_") for bus in inputs], {}
    for stream, fmt in zip(circuit.weights, circuit.inputs[circuit.frame_inputs :], strict=True):
        taken.append(identifier(f"weights_{stream.stage}", taken))
        name = taken[-1]
        ports[f"s_axis_{name}"] = WeightPort(
            stream.stage, fmt.width, fmt.beats, stream.batch, stream.pace, f"{name}.bin", stream.channel
        )
    return ports


def _buses(prefix: str, values: Sequence[str], ports: Sequence[ModelPort]) -> list[str]:
    """Names of the core's streams: the model's own where each is one of the model's."""
    if len(values) == 1:
        return [prefix]
    taken = ["weights"]
    for name in [port.name for port in ports] if len(ports) == len(values) else values:
        taken.append(identifier(name, taken))
    return [f"{prefix}_{name}" for name in taken[1:]]
