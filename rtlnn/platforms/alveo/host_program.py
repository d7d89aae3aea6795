"""Writes the host program (C++, XRT's native API) with its constants, and the frames of its self-test."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from rtlnn.emit.interface import Interface, StreamPort
from rtlnn.emit.weights import WEIGHTS_FILE
from rtlnn.ir.network import Network
from rtlnn.ir.types import Array
from rtlnn.ops import Affine, Clip, Quantize, Reshape
from rtlnn.platforms.alveo.host_parts import HostParts, host_parts
from rtlnn.platforms.identity import design_id
from rtlnn.sim.reference import Reference

__all__ = ["SELF_TEST_FRAMES", "emit_host"]

SELF_TEST_FRAMES = 8
_SOURCES = ("main.cpp", "units.h", "parts.h", "npy.h", "Makefile")
_SEED = 2024


def emit_host(network: Network, interface: Interface, out_dir: Path) -> None:
    """Write `out_dir/host/`: sources, `network.h`, `data/` (constants) and `self_test/` (inputs, expected outputs).

    `out_dir` is the build folder, which holds the core already (`interface.json`, `rtl/`, `mem/`).
    Where C++ cannot do the host's parts (see `HostParts.reason`), the program exchanges the core's own integers.
    """
    made = host_parts(network)
    folder = out_dir / "host"
    for name in ("data", "self_test"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in _SOURCES:
        text = files("rtlnn.platforms.alveo").joinpath("host", name).read_text(encoding="utf-8")
        (folder / name).write_text(text)
    (folder / "network.h").write_text(_header(network, interface, made, design_id(out_dir)))
    for name, array in made.constants.items():
        np.save(folder / "data" / f"{name}.npy", array)
    for name, array in _self_test(network, interface, made).items():
        np.save(folder / "self_test" / f"{name}.npy", np.ascontiguousarray(array))


def _header(network: Network, interface: Interface, made: HostParts, design: int) -> str:
    if made.reason is None:
        shapes = network.input.shape, network.output.shape
        output_type = network.output.dtype
        note = "The network's inputs and outputs are the model's own."
    else:
        shapes = interface.input.shape, interface.output.shape
        output_type = np.dtype(interface.output.dtype).name
        note = f"Inputs and outputs are the core's integers (height, width, channels), because {made.reason}."
    lo, hi = _limits(interface.input)
    head = made.head if made.reason is None else (f"parts::expect_integers(x, {lo}, {hi});",)
    text = files("rtlnn.platforms.alveo").joinpath("templates", "network.h.in").read_text(encoding="utf-8")
    return Template(text).substitute(
        note=note,
        kernel=interface.kernel,
        units=", ".join(f'"{unit.name}"' for unit in interface.units),
        design=f"0x{design:016X}ULL",
        stores=", ".join(f'"{name}"' for name in _stores(interface)),
        whole=interface.batch,
        input=_port(interface.input),
        output=_port(interface.output),
        input_shape=_shape(shapes[0]),
        output_shape=_shape(shapes[1]),
        output_type=output_type,
        head=_statements(head),
        tail=_statements(made.tail),
    )


def _stores(interface: Interface) -> list[str]:
    """The files of weights that the kernel reads, in the order of its arguments."""
    loaded = [] if interface.weight_beats is None else [WEIGHTS_FILE]
    return [*loaded, *(port.file for port in interface.weights.values())]


def _statements(lines: Sequence[str]) -> str:
    used = {name for name in ("x", "data") if any(f"({name}," in line or f"({name})" in line for line in lines)}
    unused = [f"(void){name};" for name in ("x", "data") if name not in used]
    return "\n".join(f"  {line}" for line in (*unused, *lines))


def _port(port: StreamPort) -> str:
    return f"{{{port.frame_elements}, {port.element_bits // 8}, {str(port.signed).lower()}}}"


def _shape(shape: Sequence[int]) -> str:
    return f"{{{', '.join(map(str, shape))}}}"


def _limits(port: StreamPort) -> tuple[int, int]:
    return (-(1 << port.bits - 1), (1 << port.bits - 1) - 1) if port.signed else (0, (1 << port.bits) - 1)


def _self_test(network: Network, interface: Interface, made: HostParts) -> dict[str, Array]:
    """Inputs over the whole range, what enters and leaves the core, and outputs, by the reference."""
    reference = Reference(network)
    lo, hi = _limits(interface.input)
    codes = np.random.default_rng(_SEED).integers(
        lo, hi, (SELF_TEST_FRAMES, *interface.input.shape), dtype=np.int64, endpoint=True
    )
    inputs = codes if made.reason else _model_inputs(network, codes)
    core_input = codes if made.reason else network.to_core(inputs)[0]
    core_output = reference.run(core_input)
    outputs = core_output if made.reason else network.from_core(core_output)[0]
    return {
        "input": inputs,
        "core_input": core_input.reshape(SELF_TEST_FRAMES, *interface.input.shape),
        "core_output": core_output.reshape(SELF_TEST_FRAMES, *interface.output.shape),
        "output": outputs,
    }


def _model_inputs(network: Network, codes: Array) -> Array:
    """The model's inputs that become roughly these integers: the head, backwards."""
    head, x = network.head, codes
    for node in reversed(head.nodes):
        match node.op:
            case Quantize(output):
                x = (x - output.zero_point) * np.asarray(output.scale)
            case Affine():
                scale, shift = (head.constants[v] for v in node.inputs[1:])
                x = (x - shift) / np.where(scale == 0, 1, scale)
            case Reshape():
                x = x.reshape(len(x), *head.types[node.inputs[0]].shape)
            case Clip():
                pass
            case _:
                shape = head.types[head.inputs[0]].shape
                x = np.random.default_rng(_SEED).standard_normal((len(x), *shape))
                break
    return network.input.own(x)
