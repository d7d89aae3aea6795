"""The official test cases of the `onnx` package, and what becomes of each."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

from rtlnn.backend.backend import Backend, Evaluation
from rtlnn.errors import InputError

__all__ = ["KINDS", "CaseResult", "Outcome", "official_cases", "run_case"]

KINDS = ("node", "simple", "pytorch-converted", "pytorch-operator")


class Outcome(Enum):
    """What became of a case."""

    PASSED = "passed"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class CaseResult:
    """The result of one case.

    Parameters
    ----------
    name, kind : of the case
    operators : the operators of its model, sorted
    outcome : what became of it
    reason : of a refusal or failure
    evaluation : what computed it, where it ran
    """

    name: str
    kind: str
    operators: tuple[str, ...]
    outcome: Outcome
    reason: str = ""
    evaluation: Evaluation | None = None


def official_cases(kind: str) -> list[Any]:
    """The cases of a kind, sorted by name. None is downloaded."""
    with warnings.catch_warnings():
        # the cases of operators on infinite numbers warn as they are made
        warnings.simplefilter("ignore")
        return sorted(load_model_tests(kind=kind), key=lambda case: str(case.name))


def _tensor(path: Path) -> Any:
    tensor = onnx.TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(tensor)


def _data_sets(case: Any) -> Iterator[tuple[Sequence[Any], Sequence[Any]]]:
    """Inputs and outputs of a case."""
    if case.data_sets is not None:
        yield from case.data_sets
        return
    for folder in sorted(Path(case.model_dir).glob("test_data_set_*")):
        both = []
        for what in ("input", "output"):
            files = sorted(folder.glob(f"{what}_*.pb"), key=lambda p: int(p.stem.rpartition("_")[2]))
            both.append([_tensor(f) for f in files])
        yield both[0], both[1]


def run_case(case: Any) -> CaseResult:
    """Run one case; whatever happens is in the result."""
    model = case.model
    if model is None:
        model = onnx.load(str(Path(case.model_dir) / "model.onnx"))
    operators = tuple(sorted({n.op_type for n in model.graph.node}))
    prepared = None
    try:
        prepared = Backend.prepare(model)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for inputs, outputs in _data_sets(case):
                results = prepared.run(inputs)
                Runner.assert_similar_outputs(outputs, results, case.rtol, case.atol)
    except InputError as error:
        return CaseResult(case.name, case.kind, operators, Outcome.REFUSED, str(error))
    except Exception as error:  # the report must tell of every one
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = f"{type(error).__name__}: {'; '.join(lines[:4])}"
        evaluation = prepared.evaluation if prepared else None
        return CaseResult(case.name, case.kind, operators, Outcome.FAILED, reason, evaluation)
    return CaseResult(case.name, case.kind, operators, Outcome.PASSED, "", prepared.evaluation)
