"""The networks of others: their inputs fit, and the table says what was measured."""

from pathlib import Path

import onnx
import pytest

from benchmarks.zoo.catalogue import ENTRIES, Entry
from benchmarks.zoo.data import Inputs
from benchmarks.zoo.measure import Outcome, measure
from benchmarks.zoo.table import document
from rtlnn.errors import InputError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared data absent: no folder ../shared/data")


def test_every_design_has_a_name_of_its_own() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)


@needs_data
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_inputs_fit_their_models(entry: Entry) -> None:
    inputs: Inputs = entry.inputs(DATA / "datasets")
    model = onnx.load(DATA / "models" / entry.file)
    stored = {tensor.name for tensor in model.graph.initializer}
    (port,) = (port for port in model.graph.input if port.name not in stored)
    shape = tuple(d.dim_value for d in port.type.tensor_type.shape.dim)[1:]
    assert inputs.frames.shape[1:] == shape
    assert len(inputs.frames) >= max(entry.simulated, min(entry.compared, 300))
    assert inputs.labels is None or len(inputs.labels) == len(inputs.frames)
    assert entry.accuracy is None or inputs.labels is not None


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="models/ and datasets/"):
        measure(ENTRIES[0], tmp_path, tmp_path, lambda step: None)


def test_table() -> None:
    figures = {"dsp": 12.0, "lut": 3456.0, "ff": 7.0, "bram36": 0.5}
    exact = Outcome(differing=0.0, largest=0.0, accuracy=87.1, theirs=87.2, simulated=16, interval=1024, latency=2000,
                    figures=figures)  # fmt: skip
    wrong = Outcome(differing=0.0125, largest=2.0, simulated=16, interval=1024, latency=2000, figures=figures)
    text = document({
        ENTRIES[0]: (exact, "abc"), ENTRIES[1]: (wrong, "abd"), ENTRIES[2]: (Outcome(refused="no LSTM"), "abc"),
    })  # fmt: skip
    assert "2 of 3 files" in text
    assert "abc, abd" in text
    assert "| 0 | 87.10 % | 87.20 % | 16 | 1,024 | 2,000 | 12 | 3,456 | 7 | 0.5 |" in text
    assert "| 1.25 % (by 2) | - | - |" in text
    assert f"- {ENTRIES[2].name}: no LSTM" in text
    assert f"Not measured yet: {ENTRIES[3].name}; " in text
