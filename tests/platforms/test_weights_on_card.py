"""The host programs (C++ and pyxrt) on a simulated card whose kernel streams and loads weights, and gets other ones."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import rtlnn
from rtlnn import runtime
from rtlnn.sim.simulated_card import CardSettings, SimulatedCard
from tests.onnx_models import dense_layers
from tests.runtime import fake_pyxrt

SIZES = 24, 32, 16, 5
BATCH = 2
CARD = CardSettings(units=2)


@dataclass(frozen=True)
class Made:
    """A build, and the card that runs it."""

    build: Path
    card: SimulatedCard


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """fc1 and fc2 are streamed, once for two frames; fc3 and fc1 may get other weights."""
    folder, rng = tmp_path_factory.mktemp("card"), np.random.default_rng(8)
    options = rtlnn.Options(
        platform="u200",
        compute_units=CARD.units,
        target_interval=64,
        calibration=rng.normal(size=(64, SIZES[0])),
        stream=("fc1", "fc2"),
        batch=BATCH,
        reloadable=("fc1", "fc3"),
    )
    report = rtlnn.build(dense_layers(rng, SIZES), folder / "build", options)
    print(report)
    return Made(folder / "build", SimulatedCard.build(folder / "build", folder / "xrt"))


def test_the_program_in_c(made: Made, tmp_path: Path, rng: np.random.Generator) -> None:
    """Its own test, and an odd number of frames, of which the last batch is not full."""
    host = made.card.make_host(made.build, "-O1 -Werror -Wpedantic -Wconversion -Wno-sign-conversion")
    run = made.card.run_host(host, CARD, ["--self-test", "--repeat", 3])
    assert run.code == 0, run.output
    assert re.search("24 frames .* 2 compute units", run.output)
    x = rng.normal(size=(13, SIZES[0])).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    run = made.card.run_host(host, CARD, [tmp_path / "x.npy", tmp_path / "y.npy", "--batch", "3"])
    assert run.code == 0, run.output
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), rtlnn.reference(made.build)(x))


def test_other_weights_between_runs(
    made: Made, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A streamed layer, then a loaded one; each time all units compute with them from the next run on."""
    monkeypatch.setitem(sys.modules, "pyxrt", fake_pyxrt.make(made.card.library))
    CARD.save(tmp_path / "card.txt")
    x = rng.normal(size=(13, SIZES[0])).astype(np.float32)
    with (
        runtime.load(made.build, "xrt", bitstream=tmp_path / "card.txt", run_frames=3) as card,
        runtime.load(made.build, "reference") as reference,
    ):
        before = card(x)
        np.testing.assert_array_equal(before, reference(x))
        for layer in ("fc1", "fc3"):
            (node,) = (node for node in card.network.core.nodes if node.name == layer)
            kept = card.network.core.constants[node.inputs[1]]
            card.reload(layer, kept[:, ::-1])
            reference.reload(layer, kept[:, ::-1])
            after = card(x)
            np.testing.assert_array_equal(after, reference(x))
            assert (after != before).any()
            before = after
