"""From a layer to its cells: its modules by Yosys, its memories by their size."""

import tempfile
from pathlib import Path

from benchmarks.estimates.grid import FAMILIES, Sample
from rtlnn.emit.netlist import Bus, emit_circuit
from rtlnn.layers.circuit import DESIGN, Circuit, Stage, Tap
from rtlnn.layers.component import Resources
from rtlnn.synthesis import Cells
from rtlnn.synthesis.modules import instance_counts, read_modules
from rtlnn.synthesis.yosys import Yosys

__all__ = ["AMOUNTS", "measure"]

AMOUNTS = ("lut", "ff", "dsp", "bram36", "uram")
_TOP = "dut"


def measure(sample: Sample, cache_dir: Path | None = None) -> dict[str, dict[str, float]]:
    """Amounts `estimated` and `counted`, without memories of weights and parameters, which both know by their size.

    What Yosys counts is kept in `cache_dir` (default: the user's cache folder).
    """
    layer = sample.layer
    taps = tuple(Tap(DESIGN, n) for n in range(len(layer.inputs)))
    outputs = tuple(Tap(0, n) for n in range(len(layer.outputs)))
    circuit = Circuit(layer.inputs, (Stage("layer", layer, sample.contents),), (taps,), outputs)
    buses = ([Bus(f"{side}{n}", _bits(f.bits)) for n, f in enumerate(formats)]
             for side, formats in (("s", layer.inputs), ("m", layer.outputs)))  # fmt: skip
    netlist = emit_circuit(_TOP, circuit, *buses)
    yosys = Yosys(FAMILIES[sample.arithmetic], cache_dir)
    total = Cells()
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in netlist.modules.items():
            (Path(scratch) / f"{name}.v").write_text(text)
        modules = read_modules([Path(scratch) / f"{name}.v" for name in netlist.modules])
        for name, count in instance_counts(modules, _TOP).items():
            module = modules[name]
            if name != _TOP and module.memory is None:
                found = yosys.count(module, [modules[child] for child in module.children])
                total += Cells.of(found.cells) * count
    counted = Resources(total.lut, total.ff, total.dsp, total.bram36 + total.bram18 / 2, total.uram)
    sides = {"estimated": layer.resources, "counted": counted}
    return {side: {n: getattr(cost, n) for n in AMOUNTS} for side, cost in sides.items()}


def _bits(bits: int) -> int:
    return next(n for n in (8, 16, 32) if bits <= n)
