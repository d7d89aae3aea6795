"""A network read back is the network written, and the same one gives the same bytes."""

from pathlib import Path

import numpy as np
import pytest

from rtlnn.errors import InputError
from rtlnn.load import load_network
from rtlnn.ops.serialize import load_network as read_back
from rtlnn.ops.serialize import save_network
from rtlnn.quantization import Calibration
from rtlnn.sim.reference import Reference, load
from tests.onnx_models import Model


def _network(rng: np.random.Generator) -> tuple[Reference, Path]:
    m = Model(("N", 2, 6, 6)).add("Mul", np.float32(0.5))
    m.add("Conv", rng.standard_normal((3, 2, 3, 3)).astype(np.float32)).add("Relu")
    m.add("AveragePool", kernel_shape=[2, 2]).add("Flatten")
    m.add("Gemm", rng.standard_normal((27, 4)).astype(np.float32)).add("Softmax").add("Identity")
    return Reference(load_network(m.build(), Calibration.RANDOM)), Path("network.npz")


def test_round_trip(tmp_path: Path, rng: np.random.Generator) -> None:
    reference, name = _network(rng)
    save_network(reference.network, tmp_path / name)
    again = load(tmp_path)
    x = rng.standard_normal((5, 2, 6, 6)).astype(np.float32)
    np.testing.assert_array_equal(again(x), reference(x))
    assert again.network.core.nodes == reference.network.core.nodes
    assert again.network.core.types == reference.network.core.types
    assert again.network.notes == reference.network.notes
    for part in ("head", "core", "tail"):
        getattr(again.network, part).verify()
    save_network(again.network, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / name).read_bytes()


def test_something_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="build the model again"):
        read_back(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InputError, match="not a network"):
        read_back(tmp_path / "other.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(InputError, match="not a network"):
        read_back(tmp_path / "text.npz")
