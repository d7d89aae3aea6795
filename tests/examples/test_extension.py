"""The example of a package that adds operators and a layer."""

import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

import rtlnn
from rtlnn import extensions
from rtlnn.errors import InputError
from rtlnn.extensions import GROUP, Extensions, load_extensions
from rtlnn.frontend.registry import HANDLERS
from rtlnn.ops import OPERATIONS
from rtlnn.plan.simple import KINDS
from tests.onnx_models import Model

PACKAGE = Path(__file__).parents[2] / "examples" / "extension"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[importlib.metadata.EntryPoint]]:
    """The package as if it were installed; afterwards it is gone."""
    entries = [importlib.metadata.EntryPoint("acme", "rtlnn_acme:register", GROUP)]
    monkeypatch.syspath_prepend(str(PACKAGE))
    monkeypatch.setattr(extensions, "entry_points", lambda group: entries if group == GROUP else [])
    before = [(table, dict(table)) for table in (HANDLERS, OPERATIONS, KINDS)]
    extensions._loaded.cache_clear()
    yield entries
    extensions._loaded.cache_clear()
    for table, content in before:
        table.clear()
        table.update(content)  # type: ignore[arg-type]
    for name in [n for n in sys.modules if n.startswith("rtlnn_acme")]:
        del sys.modules[name]


def _model(rng: np.random.Generator, bits: int = 2) -> onnx.ModelProto:
    m = Model(("N", 2, 4, 4)).qdq(0.05, 3)
    m.add("Conv", m.integers(rng.integers(-9, 9, (3, 2, 3, 3), np.int8), 0.02), name="conv")
    m.add("ScaledRelu", domain="com.acme", scale=0.5, name="relu").quantize(0.02, -128)
    return m.add("DropLowBits", domain="com.acme", bits=bits, name="drop").dequantize(0.02, -128).build()


def test_a_model_with_its_operators(
    installed: list[importlib.metadata.EntryPoint], rng: np.random.Generator, tmp_path: Path
) -> None:
    x = rng.uniform(-6, 6, (12, 2, 4, 4)).astype(np.float32)
    model = _model(rng)
    found = rtlnn.reference(model)(x)
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    (drop,) = (n for n in plain.graph.node if n.op_type == "DropLowBits")
    drop.op_type, drop.domain = "Identity", ""
    del drop.attribute[:]
    whole = np.rint(rtlnn.reference(plain)(x) / 0.02).astype(np.int64) - 128
    np.testing.assert_allclose(found, ((whole >> 2 << 2) + 128) * 0.02, rtol=1e-6)
    assert (found != rtlnn.reference(plain)(x)).any()
    check = rtlnn.check(model)
    assert {n.name: n.layers for n in check.nodes}["drop"] == ("drop",)
    rtlnn.build(model, tmp_path / "out", rtlnn.Options(target_interval=64))
    result = rtlnn.simulate(tmp_path / "out", inputs=x[:3])
    assert result.passed, result.failures


def test_without_the_package(rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match=r"com\.acme\.ScaledRelu is not supported"):
        rtlnn.reference(_model(rng))


def test_its_errors_are_told_as_others(
    installed: list[importlib.metadata.EntryPoint], rng: np.random.Generator
) -> None:
    with pytest.raises(InputError, match=r"DropLowBits 'drop'.*1 to 7 bits can be dropped, not 9"):
        rtlnn.reference(_model(rng, bits=9))


def test_packages_that_cannot_be_loaded(installed: list[importlib.metadata.EntryPoint]) -> None:
    installed.append(importlib.metadata.EntryPoint("broken", "no_such_module:register", GROUP))
    with pytest.raises(InputError, match="the extension 'broken' of the package no_such_module cannot be loaded"):
        load_extensions()


def test_nothing_can_be_replaced(installed: list[importlib.metadata.EntryPoint]) -> None:
    load_extensions()
    with pytest.raises(InputError, match="'other' adds the operator Relu 14 of the domain '', which exists already"):
        Extensions("other").handler("Relu", 14, domain="")(lambda context, node: node.view())
