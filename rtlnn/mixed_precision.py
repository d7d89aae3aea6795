"""Bits layer by layer, as few as an accuracy allows.

Searched greedily: first all layers lose bits together, then the weights or results of one layer at a time, those whose
last bit costs most first, as long as enough labelled frames are classified right. The same model, data and drop give
the same bits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from rtlnn.errors import InputError
from rtlnn.frontend import ImportedModel, import_model
from rtlnn.ir.graph import Graph
from rtlnn.ir.types import Array
from rtlnn.ops import Conv2D
from rtlnn.passes.quantize.calibrate import batches
from rtlnn.passes.settings import LayerSettings, Settings
from rtlnn.quantization import CalibrationData, CalibrationMethod, Prepared

__all__ = ["Choice", "choose_bits", "read_labels"]

START = (8, 10, 12, 16)
"""Bits of all layers to begin with: the first that are accurate enough."""

Labels = Path | str | Array
Bits = dict[str, int]


@dataclass(frozen=True)
class Choice:
    """The bits that were chosen.

    Parameters
    ----------
    settings : weights and activations of every layer
    float_accuracy, accuracy : percent of the frames that are classified right, by the float model and with these bits
    size, size_of_eight : products of the bits that are multiplied, a frame, and the bits of all weights; with these
        bits, and with 8 everywhere
    tried : how many settings were evaluated
    """

    settings: Settings
    float_accuracy: float
    accuracy: float
    size: int
    size_of_eight: int
    tried: int

    @property
    def note(self) -> str:
        """What a report says of it."""
        share = 100 * self.size / self.size_of_eight
        return (
            f"bits chosen for accuracy: {self.accuracy:.2f} % of the labelled frames right, "
            f"{self.float_accuracy:.2f} % in float, at {share:.0f} % of the bit products of 8 bits"
        )

    def to_yaml(self) -> str:
        """A precision file."""
        lines = [f"# {self.note}", "layers:"]
        for name, layer in self.settings.layers.items():
            told = [f"{w}: {b}" for w, b in (("weights", layer.weights), ("activations", layer.activations)) if b]
            lines.append(f"  {_quoted(name)}: {{{', '.join(told)}}}")
        return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def read_labels(labels: Labels, frames: int) -> Array:
    """The class of each frame, (frames,) int64. Raises `InputError` for anything else."""
    if isinstance(labels, np.ndarray):
        array, name = labels, "the labels"
    else:
        name = f"the labels {labels}"
        try:
            array = np.load(labels, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{name} cannot be read as a NumPy array file (.npy): {error}") from error
    array = np.asarray(array)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(f"{name} have the shape {array.shape} and type {array.dtype}; give one class number a frame")
    if len(array) != frames:
        raise InputError(f"{name} are {len(array)}, the calibration data hold {frames} frames; give one for each")
    return array.astype(np.int64)


class _Search:
    """Evaluates settings on the labelled frames, each only once."""

    def __init__(self, model: ImportedModel, prepared: Prepared, labels: Array, method: CalibrationMethod) -> None:
        self.model = model
        self.prepared = prepared
        self.labels = labels
        self.method = method
        self.known: dict[tuple[tuple[str, int], ...], float] = {}

    def accuracy_of(self, graph: Graph) -> float:
        """Percent of the frames for which the largest output is the label's."""
        (value,), port = graph.outputs, self.model.output
        right = at = 0
        for part in batches(graph, self.prepared.frames):
            scores = port.own(graph.evaluate(*part)[value]).reshape(len(part[0]), -1)
            right += int((scores.argmax(axis=1) == self.labels[at : at + len(scores)]).sum())
            at += len(scores)
        return 100.0 * right / len(self.labels)

    def accuracy(self, weights: Bits, results: Bits) -> float:
        key = (*weights.items(), *results.items())
        if key not in self.known:
            settings = _settings(weights, results)
            self.known[key] = self.accuracy_of(self.prepared.quantized(settings, self.method))
        return self.known[key]

    def size(self, weights: Bits, results: Bits) -> int:
        """Bit products a frame, and bits of weights."""
        graph, total = self.prepared.graph, 0
        readers = self.prepared.sources
        for node in graph.nodes:
            if node.name in weights:
                count = int(np.size(graph.constants[node.inputs[1]]))
                shape = graph.types[node.output].shape
                multiplies = count * (shape[0] * shape[1] if isinstance(node.op, Conv2D) else 1)
                total += weights[node.name] * (multiplies * results.get(readers[node.name], 8) + count)
        return total


def _settings(weights: Bits, results: Bits) -> Settings:
    names = dict.fromkeys((*weights, *results))
    return Settings(layers={n: LayerSettings(weights.get(n), results.get(n)) for n in names})


def choose_bits(
    model: Path | str | onnx.ModelProto,
    calibration: CalibrationData,
    labels: Labels,
    drop: float,
    input_shapes: Mapping[str, tuple[int, ...]] | None = None,
    method: CalibrationMethod = CalibrationMethod.MIN_MAX,
    progress: Callable[[str], None] = lambda step: None,
) -> Choice:
    """The fewest bits with which no more than `drop` percent points of accuracy are lost.

    Parameters
    ----------
    model : a float classifier with one output
    calibration : frames of its input; they are what accuracy is measured on, too
    labels : the class of each frame, an array or a .npy file
    drop : percent points below the float model's accuracy
    input_shapes, method : as for `quantize_model`

    Raises `InputError`, also where not even the most bits are accurate enough.
    """
    if not 0 <= drop < 100:
        raise InputError(f"an accuracy can drop by 0 to 100 percent points, not {drop:g}")
    imported = import_model(model, input_shapes)
    if imported.quantized:
        raise InputError(f"{imported.name} is quantized already: its bits cannot be chosen")
    prepared = Prepared.of(imported, calibration)
    found = read_labels(labels, len(prepared.frames[0]))
    classes = int(np.prod(imported.output.shape))
    if found.min() < 0 or found.max() >= classes:
        raise InputError(f"the labels lie in {found.min()}..{found.max()}, the model has {classes} outputs")
    search = _Search(imported, prepared, found, method)
    progress("measuring the float model")
    original = search.accuracy_of(prepared.graph)
    needed = original - drop
    weights, results = _uniform(search, needed, original)
    _lower_each(search, weights, results, needed, progress)
    eight = [dict.fromkeys(bits, 8) for bits in (weights, results)]
    return Choice(
        _settings(weights, results),
        original,
        search.accuracy(weights, results),
        search.size(weights, results),
        search.size(*eight),
        len(search.known),
    )


def _uniform(search: _Search, needed: float, original: float) -> tuple[Bits, Bits]:
    """The fewest bits that all layers can have alike."""

    def alike(bits: int) -> tuple[Bits, Bits]:
        return dict.fromkeys(search.prepared.weighted, bits), dict.fromkeys(search.prepared.layers, bits)

    start = next((bits for bits in START if search.accuracy(*alike(bits)) >= needed), None)
    if start is None:
        best = max(search.accuracy(*alike(bits)) for bits in START)
        raise InputError(
            f"not even {START[-1]} bits are accurate enough: {best:.2f} % of the labelled frames are right, "
            f"{original:.2f} % in float; allow a larger drop, or give more calibration data"
        )
    while start > 1 and search.accuracy(*alike(start - 1)) >= needed:
        start -= 1
    return alike(start)


def _lower_each(search: _Search, weights: Bits, results: Bits, needed: float, progress: Callable[[str], None]) -> None:
    """Take bits from one layer at a time, where one less saves most, until none can be spared."""
    open_moves = [(kind, name) for kind in (weights, results) for name in kind]

    def saving(move: tuple[Bits, str]) -> int:
        kind, name = move
        before = search.size(weights, results)
        kind[name] -= 1
        after = search.size(weights, results)
        kind[name] += 1
        return before - after

    while open_moves := [(kind, name) for kind, name in open_moves if kind[name] > 1]:
        # the sort is stable: equal savings keep the order of the layers
        move = max(open_moves, key=saving)
        kind, name = move
        kind[name] -= 1
        progress(f"{name}: {kind[name]} bits")
        if search.accuracy(weights, results) < needed:
            kind[name] += 1
            open_moves = [m for m in open_moves if m is not move]
