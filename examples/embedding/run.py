"""Builds the network that reads digits, puts it behind a camera, and simulates all of it.

python -m examples.embedding.run [--pictures N] [--fast]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import rtlnn
from rtlnn.errors import CheckFailed, RtlnnError
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.cocotb_runner import CocotbBench

__all__ = ["FAST", "Camera", "Seen", "build_network", "expected", "is_part", "main", "shades", "watch"]

HERE = Path(__file__).parent
DIGITS = HERE.parent / "digits"
DESIGN = tuple(HERE / "rtl" / f"{name}.v" for name in ("crop", "result", "vision"))

LEFT, TOP = 20, 6
"""Where a picture has its digit, and `vision.v` its window."""


@dataclass(frozen=True)
class Camera:
    """Size of a picture, and how long the camera waits: cycles after each line, lines after each picture."""

    height: int = 24
    width: int = 48
    after_line: int = 16
    after_picture: int = 16

    def pictures(self, digits: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """The digits (N, 8, 8), of 256 shades, in noise."""
        made = rng.integers(0, 256, (len(digits), self.height, self.width), dtype=np.uint8)
        made[:, TOP : TOP + 8, LEFT : LEFT + 8] = digits
        return made


FAST = Camera(after_line=2, after_picture=1)
"""Faster than the network: a picture takes 1,250 cycles, the network 2,304."""


@dataclass(frozen=True)
class Seen:
    """What the processor read: class and score of each result, and how many pictures were skipped."""

    results: tuple[tuple[int, int], ...]
    skipped: int


def build_network(folder: Path) -> BuildFolder:
    """The network, for a small chip. Raises `CheckFailed` if its streams are not those that `vision.v` connects."""
    options = rtlnn.Options(platform="xc7z020", calibration=DIGITS / "calibration.npy", target_interval=2304)
    rtlnn.build(DIGITS / "cnn.onnx", folder, options)
    build = BuildFolder.open(folder)
    for bus, port in (*build.interface.inputs.items(), *build.interface.outputs.items()):
        if port.tdata_bits != 8:
            raise CheckFailed(f"{bus} has {port.tdata_bits} bits; vision.v connects 8")
    return build


def watch(
    build: BuildFolder,
    camera: Camera,
    digits: NDArray[np.uint8],
    seed: int = 0,
    design: Sequence[Path] = DESIGN,
) -> Seen:
    """Simulate the whole design on pictures of `digits` (N, 8, 8), of 256 shades.

    Raises `CheckFailed` if the simulation fails, or a number on the bus contradicts another one.
    """
    bench = CocotbBench.build((*build.core_files, *design), "vision")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        pictures = camera.pictures(digits, np.random.default_rng(seed))
        np.savez(work / "camera.npz", pictures=pictures, blanking=[camera.after_line, camera.after_picture])
        for test, failure in bench.run("examples.embedding.bench", work, build.mem_dir, seed=seed).outcomes.items():
            if failure:
                raise CheckFailed(f"{test}: {failure}")
        made = json.loads((work / "readings.json").read_text())
    results, last = made["readings"], made["last"]
    if last["status"] & 2:
        raise CheckFailed("the network saw a frame of a wrong length")
    count, skipped = last["count"] & 0xFFFF, last["count"] >> 16
    if (count, count + skipped) != (len(results), len(digits)):
        raise CheckFailed(f"{len(digits)} pictures: {len(results)} results, {count} counted, {skipped} skipped")
    return Seen(tuple((r["class"], r["score"]) for r in results), skipped)


def shades(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The data set's 17 shades as a camera's 256."""
    return np.rint(images * (255 / 16)).astype(np.uint8)


def expected(build: BuildFolder, digits: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Class and integer score of each digit, by the reference."""
    reference = rtlnn.reference(build.path)
    x = digits[:, np.newaxis].astype(np.float32) * (16 / 255)  # the model's pixels go to 16
    scores = reference.run(*reference.network.to_core(x)).reshape(len(digits), -1)
    return [(int(np.argmax(s)), int(np.max(s))) for s in scores]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--pictures", type=int, default=12, metavar="N", help="how many (default: 12)")
    parser.add_argument("--fast", action="store_true", help="a camera faster than the network: pictures are skipped")
    options = parser.parse_args(arguments)
    if options.pictures < 1:
        parser.error("give at least one picture")
    test = np.load(DIGITS / "test.npz")
    digits, labels = (array[: options.pictures] for array in (shades(test["images"][:, 0]), test["labels"]))
    camera = FAST if options.fast else Camera()
    try:
        with tempfile.TemporaryDirectory() as name:
            build = build_network(Path(name) / "network")
            seen = watch(build, camera, digits)
            wanted = expected(build, digits)
            if not is_part(seen.results, wanted):
                raise CheckFailed(f"read {seen.results}; the reference says {wanted}")
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{len(digits)} pictures, {len(seen.results)} results, {seen.skipped} skipped")
    print("every class and score that the processor read is the reference's")
    if not seen.skipped:
        right = sum(int(found == label) for (found, _), label in zip(seen.results, labels, strict=True))
        print(f"{right} of {len(digits)} digits are read right")
    return 0


def is_part(seen: Sequence[tuple[int, int]], wanted: Sequence[tuple[int, int]]) -> bool:
    """Whether `seen` is `wanted`, of which some may have been skipped."""
    rest = iter(wanted)
    return all(result in rest for result in seen)


if __name__ == "__main__":
    sys.exit(main())
