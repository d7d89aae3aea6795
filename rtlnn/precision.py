"""Precision files: bits, requantization and rounding of each layer, in YAML.

default:
  weights: 8            # bits, 1 to 16
  activations: 8
layers:
  conv1: {weights: 4, activations: 6}
  fc: {requantize: fast, rounding: half_up}
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rtlnn.errors import InputError
from rtlnn.passes.settings import LayerSettings, Settings
from rtlnn.records import key_lines, read_record

__all__ = ["MOST_BITS", "PrecisionFile", "check_layers", "check_settings", "read_precision"]

MOST_BITS = 16


@dataclass(frozen=True)
class PrecisionFile(Settings):
    """Settings that come from a file.

    Parameters
    ----------
    source : the file
    lines : the line of each key, by the keys that lead to it
    """

    source: str = ""
    lines: Mapping[tuple[str, ...], int] = field(default_factory=dict)


def read_precision(path: Path | str) -> PrecisionFile:
    """The settings in a YAML file. Raises `InputError` with file and line for anything that it must not say."""
    path = Path(path)
    read = read_record(path, Settings, "precision", "for example: `default: {weights: 4}`")
    found = PrecisionFile(read.default, read.layers, str(path), key_lines(path, "precision"))
    check_settings(found)
    return found


def _where(settings: Settings, *keys: str) -> str:
    if not isinstance(settings, PrecisionFile):
        return "precision settings"
    line = settings.lines.get(keys)
    return f"precision file {settings.source}" + (f", line {line}" if line else "")


def check_settings(settings: Settings) -> None:
    """Raises `InputError` for bits that no value can have."""
    every: list[tuple[tuple[str, ...], LayerSettings]] = [(("default",), settings.default)]
    every += [(("layers", name), layer) for name, layer in settings.layers.items()]
    for keys, layer in every:
        for what, bits in (("weights", layer.weights), ("activations", layer.activations)):
            if bits is not None and not 1 <= bits <= MOST_BITS:
                where = _where(settings, *keys, what)
                raise InputError(f"{where}: {what} cannot have {bits} bits; give 1 to {MOST_BITS}")


def check_layers(
    settings: Settings, layers: Collection[str], inputs: Collection[str] = (), weighted: Collection[str] = ()
) -> None:
    """Raises `InputError` for settings of layers that the model does not have.

    Parameters
    ----------
    layers : names of all layers that have a result of their own
    inputs : names of the model's inputs, whose only setting is `activations`
    weighted : the layers that have weights
    """
    known = tuple(dict.fromkeys((*layers, *inputs)))
    for name, layer in settings.layers.items():
        where = _where(settings, "layers", name)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            listed = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {listed}"
            raise InputError(f"{where}: the model has no layer {name!r}; {hint}")
        if name in inputs and name not in layers and (layer.weights or layer.requantize or layer.rounding):
            raise InputError(f"{where}: {name!r} is an input of the model; only its `activations` can be set")
        if layer.weights and name in layers and name not in weighted:
            raise InputError(f"{where}: the layer {name!r} has no weights; set its `activations`, if anything")
