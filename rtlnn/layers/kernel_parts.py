"""What kernels have in common, wherever their weights come from: the array with its memories, and what follows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from amaranth.hdl import Const, Module, Value
from amaranth.lib.wiring import In, Out

from rtlnn.layers.component import MemoryPort
from rtlnn.layers.mac import InferredMacArray, MacConfig
from rtlnn.layers.mac_array import PackedMacControl
from rtlnn.layers.mac_few_bits import FewBitControl, FewBitMacConfig
from rtlnn.layers.mac_packed import PackedMacConfig
from rtlnn.layers.pipeline import registered
from rtlnn.layers.requantizer import BiasAdder, BiasConfig, RequantizeConfig, Requantizer
from rtlnn.layers.results import Serializer
from rtlnn.layers.thresholds import ThresholdsConfig, ThresholdUnit
from rtlnn.layers.weight_layout import WeightLayout

__all__ = [
    "FinishConfig",
    "Finisher",
    "MacControl",
    "WeightedArray",
    "connect_finish",
    "finish_of",
    "memory_members",
]

FinishConfig: TypeAlias = RequantizeConfig | ThresholdsConfig | BiasConfig
Finisher: TypeAlias = Requantizer | ThresholdUnit | BiasAdder
MacControl: TypeAlias = PackedMacControl | FewBitControl | InferredMacArray


@dataclass(frozen=True)
class WeightedArray:
    """An array with weights, as a component sees it: its memories, and of a packed one its columns, are outside.

    Parameters
    ----------
    array : the arithmetic
    layout : where its weights are
    """

    array: MacConfig | PackedMacConfig
    layout: WeightLayout

    @property
    def outside(self) -> bool:
        """Whether weights do not pass through the component."""
        return isinstance(self.array, PackedMacConfig | FewBitMacConfig)

    @property
    def members(self) -> dict[str, Any]:
        """Of the component: its ports to the columns."""
        array = self.array
        if not isinstance(array, PackedMacConfig | FewBitMacConfig):
            return {}
        return {
            "column_inputs": Out(array.input_bits),
            "column_valid": Out(1),
            "column_first": Out(1),
            "column_sums": In(array.sums * array.acc_bits),
        }

    def connect(self, m: Module, ports: Any, address: Value) -> tuple[MacControl, Value]:
        """The array, joined to its memories and columns, and its sums; of the component `ports`.

        `address` is that of a step's word, in the cycle in which the step is issued.
        """
        if self.layout.shared:
            m.d.comb += getattr(ports, f"{self.layout.shared}_address").eq(address)
        for delay in range(max(self.layout.own, default=-1) + 1):
            if delay:
                address = registered(m, address, f"weight_address_{delay}")
            if name := self.layout.own.get(delay):
                m.d.comb += getattr(ports, f"{name}_address").eq(address)
        if not isinstance(self.array, PackedMacConfig | FewBitMacConfig):
            plain = InferredMacArray(self.array)
            m.d.comb += plain.weights.eq(getattr(ports, f"{self.layout.own[0]}_data"))
            return plain, plain.acc
        packed = PackedMacControl(self.array) if isinstance(self.array, PackedMacConfig) else FewBitControl(self.array)
        m.d.comb += [
            ports.column_inputs.eq(packed.inputs),
            ports.column_valid.eq(packed.column_valid),
            ports.column_first.eq(packed.column_first),
        ]
        return packed, ports.column_sums


def memory_members(memories: Sequence[MemoryPort], outside: Sequence[MemoryPort]) -> dict[str, Any]:
    """Of a component: addresses of its memories, and data but for those whose words go elsewhere."""
    members: dict[str, Any] = {}
    for port in memories:
        members[f"{port.name}_address"] = Out(range(max(port.depth, 2)))
        if port not in outside:
            members[f"{port.name}_data"] = In(port.width)
    return members


def finish_of(config: FinishConfig) -> Finisher:
    """The component."""
    match config:
        case RequantizeConfig():
            return Requantizer(config)
        case ThresholdsConfig():
            return ThresholdUnit(config)
        case _:
            return BiasAdder(config)


def connect_finish(
    m: Module, ports: Any, serializer: Serializer, finish: Finisher, config: FinishConfig, constant: int | None
) -> None:
    """Sums and parameters go to `finish`: `constant` ones, or those of the component's memory."""
    m.d.comb += [finish.acc.eq(serializer.sums), finish.valid.eq(serializer.valid)]
    if constant is None:
        m.d.comb += [
            ports.parameter_address.eq(serializer.parameter_address),
            finish.parameters.eq(ports.parameter_data),
        ]
    else:
        m.d.comb += finish.parameters.eq(Const(constant, config.parameter_bits).replicate(config.lanes))
