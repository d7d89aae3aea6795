"""How many bits weights and activations have, and how results are rounded, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from rtlnn.ops import Precision

__all__ = ["LayerSettings", "Rounding", "Settings"]

DEFAULT_BITS = 8


class Rounding(Enum):
    """How a requantization rounds."""

    HALF_EVEN = "half_even"
    """As ONNX does."""
    HALF_UP = "half_up"
    FLOOR = "floor"


@dataclass(frozen=True)
class LayerSettings:
    """Of one layer; None leaves it to the default.

    Parameters
    ----------
    weights, activations : bits, 1 to 16; of activations, those of the layer's result
    requantize : the precision of its requantization
    rounding : of its requantization
    """

    weights: int | None = None
    activations: int | None = None
    requantize: Precision | None = None
    rounding: Rounding | None = None


@dataclass(frozen=True)
class Settings:
    """Of all layers.

    Parameters
    ----------
    default : for layers that say nothing else; the network's inputs have 8 bits if nothing is said of them
    layers : by the name of a layer (see `rtlnn check`), or of an input of the model
    """

    default: LayerSettings = field(default_factory=LayerSettings)
    layers: Mapping[str, LayerSettings] = field(default_factory=dict)

    @classmethod
    def uniform(cls, bits: int) -> "Settings":
        """The same bits for all weights and activations but the inputs."""
        return cls(LayerSettings(bits, bits))

    def weight_bits(self, layer: str) -> int:
        """Of the weights of `layer`."""
        return self._of(layer).weights or self.default.weights or DEFAULT_BITS

    def activation_bits(self, layer: str) -> int:
        """Of the result of `layer`."""
        return self._of(layer).activations or self.default.activations or DEFAULT_BITS

    def input_bits(self, name: str) -> int:
        """Of an input of the network."""
        return self._of(name).activations or DEFAULT_BITS

    def precision(self, layer: str, otherwise: Precision) -> Precision:
        """Of the requantization behind `layer`."""
        return self._of(layer).requantize or self.default.requantize or otherwise

    def rounding(self, layer: str) -> Rounding:
        """Of the requantization behind `layer`."""
        return self._of(layer).rounding or self.default.rounding or Rounding.HALF_EVEN

    @property
    def sets_bits(self) -> bool:
        """Whether it says anything of bits, which a quantized model has already."""
        every = (self.default, *self.layers.values())
        return any(s.weights is not None or s.activations is not None for s in every)

    @property
    def sets_requantization(self) -> bool:
        """Whether it says anything of requantizations."""
        every = (self.default, *self.layers.values())
        return any(s.requantize is not None or s.rounding is not None for s in every)

    def _of(self, layer: str) -> LayerSettings:
        return self.layers.get(layer, LayerSettings())
