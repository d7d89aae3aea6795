"""The large networks to build, what was published of them, and what ours is to reach."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import onnx

from benchmarks.networks import BIG_NETWORKS
from benchmarks.networks.model import quantized_model
from benchmarks.networks.topology import Dense, Layer, Relu, Topology
from rtlnn.errors import InputError
from rtlnn.plan.goal import DEFAULT_SHARE
from rtlnn.quantization import quantize_model

__all__ = ["ROWS", "Goal", "Row"]

Model = Callable[[Path | None], onnx.ModelProto]
"""Makes a quantized model; some are read from the folder of the models of others."""


@dataclass(frozen=True)
class Goal:
    """In clock cycles and slices; None where there is none. More slices than `dsp` are not used."""

    interval: int | None = None
    latency: int | None = None
    dsp: int | None = None


@dataclass(frozen=True)
class Row:
    """A network on a device.

    Parameters
    ----------
    name : of the network
    platform : without a shell where only the device counts
    clock_mhz : at which the published design ran, and to which the cycles are converted
    published : what was, and by whom
    macs : multiplications a frame
    streamed : layers whose weights come from external memory
    utilization : part of the device that may be filled, but for DSPs, of which `goal` says how many
    whole : simulated as a whole, in place of layer by layer
    """

    name: str
    platform: str
    clock_mhz: int
    published: str
    macs: int
    goal: Goal
    model: Model
    streamed: tuple[str, ...] = ()
    utilization: float = DEFAULT_SHARE
    whole: bool = False


def _random(name: str, _: Path | None) -> onnx.ModelProto:
    network = BIG_NETWORKS[name]
    return quantize_model(network.model(), network.images())


def _given(name: str, folder: Path | None) -> onnx.ModelProto:
    if folder is None or not (folder / name).is_file():
        raise InputError(f"{name} is not there; say with --models DIR where it is")
    return onnx.load(folder / name)


def _hidden(outputs: int, count: int) -> tuple[Layer, ...]:
    return tuple(layer for _ in range(count) for layer in (Dense(outputs), Relu()))


_DJINN = Topology((1, 1, 440), (*_hidden(2048, 6), Dense(1722)))


def _djinn(_: Path | None) -> onnx.ModelProto:
    return quantized_model(_DJINN, "djinn_asr", 8, 1)


ROWS = (
    Row(
        "SqueezeNet 1.1",
        "zu9eg",
        200,
        "251 frames/s, 24 ms on six ZU9EG (Mageiropoulos et al.)",
        349_151_936,
        Goal(100_000, 200_000, 2_182),
        partial(_random, "squeezenet11"),
    ),
    Row(
        "SqueezeNet 1.1, small",
        "zu9eg",
        200,
        "-",
        349_151_936,
        Goal(2_000_000),
        partial(_random, "squeezenet11"),
        whole=True,
    ),
    Row(
        "ResNet-50",
        "vu9p",
        125,
        "28.9 ms projected at 8 bits, 88 % of the DSPs (Hadjis, Olukotun)",
        4_089_184_256,
        Goal(400_000, 800_000, 6_500),
        partial(_random, "resnet50"),
        utilization=0.97,
    ),
    Row(
        "ResNet-50 beside the card's shell",
        "u200",
        125,
        "-",
        4_089_184_256,
        Goal(),
        partial(_random, "resnet50"),
    ),
    Row(
        "MobileNetV2",
        "vu9p",
        200,
        "-",
        300_774_272,
        Goal(40_000, dsp=4_699),
        partial(_given, "mobilenetv2_imagenet_int8_qlinear.onnx"),
    ),
    Row(
        "Djinn-ASR, weights on the chip",
        "vu9p",
        125,
        "-",
        _DJINN.macs,
        Goal(15_000),
        _djinn,
    ),
    Row(
        "Djinn-ASR, weights from DRAM",
        "vu9p",
        125,
        "10.0 ms (Hadjis, Olukotun)",
        _DJINN.macs,
        Goal(62_500),
        _djinn,
        tuple(f"dense{n}" for n in range(1, 8)),
    ),
)
