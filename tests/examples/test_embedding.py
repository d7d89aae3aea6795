"""The example of a network inside a larger design: camera, crop, network, register."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.embedding.run import DIGITS, FAST, Camera, build_network, expected, is_part, shades, watch
from rtlnn.sim.build_folder import BuildFolder


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> BuildFolder:
    return build_network(tmp_path_factory.mktemp("embedding") / "network")


@pytest.fixture(scope="module")
def digits() -> NDArray[np.uint8]:
    images: NDArray[np.uint8] = np.load(DIGITS / "test.npz")["images"][:6, 0]
    return shades(images)


def test_every_result_is_the_references(build: BuildFolder, digits: NDArray[np.uint8]) -> None:
    seen = watch(build, Camera(), digits[:3])
    assert seen.skipped == 0
    assert list(seen.results) == expected(build, digits[:3])


def test_a_camera_that_is_too_fast(build: BuildFolder, digits: NDArray[np.uint8]) -> None:
    """Whole pictures are skipped and counted; those that are taken are right."""
    seen = watch(build, FAST, digits)
    assert 0 < seen.skipped < len(digits)
    assert is_part(seen.results, expected(build, digits))


def test_wrong_weights_are_seen(build: BuildFolder, digits: NDArray[np.uint8]) -> None:
    """The comparison is no formality: other contents of one memory change what the processor reads."""
    largest = max(Path(build.mem_dir).glob("*.mem"), key=lambda path: path.stat().st_size)
    text = largest.read_text()
    words = text.split()
    assert len(set(words)) > 1
    largest.write_text("\n".join(reversed(words)) + "\n")
    try:
        assert list(watch(build, Camera(), digits[:1]).results) != expected(build, digits[:1])
    finally:
        largest.write_text(text)


def test_parts() -> None:
    wanted = [(1, 5), (2, 6), (1, 5)]
    assert is_part([], wanted)
    assert is_part([(1, 5), (1, 5)], wanted)
    assert not is_part([(2, 6), (2, 6)], wanted)
