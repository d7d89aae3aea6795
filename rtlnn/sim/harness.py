"""A compiled test bench for any AXI4-Stream component: Verilator's model and a C++ driver in one shared library.

No Python runs per cycle, so that whole data sets can be simulated (millions of cycles a second on small designs).
Builds are kept by content in a cache folder. Memory files are read at run time from `mem_dir`, so that the same build
serves other weights.
"""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtlnn.emit.weights import load_weights
from rtlnn.errors import CheckFailed
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim.harness_abi import Status
from rtlnn.sim.harness_session import MEMORY_PLACEHOLDER, Beats, Session, Stream
from rtlnn.sim.stream_run import NO_STALLS, FrameFault, PortNames, Stalls, StreamRun, WeightSource
from rtlnn.sim.toolchain import Toolchain, default_cache_dir, find_toolchain, prune, run_tool

__all__ = ["CompiledCore"]

RESET_CYCLES = 16
FIRST_STEP, LOOK_SECONDS = 1 << 12, 0.5
"""Cycles before the first look at the progress, and about the time between later ones."""

_DRIVER = ("harness.cpp", "design.h", "abi.h")
"""The C++ beside this file, each under `stream_` and its name."""
VERILATOR_OPTIONS = (
    *("--cc", "--exe", "--build", "--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-style", "--prefix", "Vcore", "--default-language", "1364-2005"),
)
COMPILE = "-fPIC -fno-gnu-unique -DVL_USER_FATAL -DVL_USER_WARN -DVL_USER_STOP -DVL_USER_FINISH"
LINK = "-shared -s -Wl,-Bsymbolic -Wl,--wrap=fopen -Wl,--wrap=fopen64"


@dataclass(frozen=True)
class CompiledCore:
    """A stream component, ready to run.

    Parameters
    ----------
    library : the shared library
    inputs, outputs : formats of its streams; those of weights are the last inputs
    mem_dir : folder of its memory files
    build_seconds : time the build took, 0.0 if it was in the cache
    loaded : whether weights are loaded, from `weights.bin` in `mem_dir`
    weights : the sources of streamed weights
    """

    library: Path
    inputs: tuple[StreamFormat, ...]
    outputs: tuple[StreamFormat, ...]
    mem_dir: Path
    build_seconds: float
    loaded: bool = False
    weights: tuple[WeightSource, ...] = ()

    @classmethod
    def build(
        cls,
        verilog_files: Sequence[Path],
        top: str,
        inputs: StreamFormat | Sequence[StreamFormat],
        outputs: StreamFormat | Sequence[StreamFormat],
        mem_dir: Path = Path("."),
        defines: Mapping[str, str] | None = None,
        *,
        ports: PortNames | None = None,
        weights: Sequence[WeightSource] = (),
        toolchain: Toolchain | None = None,
        cache_dir: Path | None = None,
    ) -> "CompiledCore":
        """Compile module `top`, or take it from the cache.

        `ports` defaults to those of a build's top module with one input and one output, `cache_dir` to the user's cache
        folder.
        Raises `InputError` without tools, `BuildError` if Verilator or the compiler refuses the design.
        """
        tools = toolchain or find_toolchain()
        cache = cache_dir or default_cache_dir()
        ports = ports or PortNames.core()
        inputs, outputs = ((f,) if isinstance(f, StreamFormat) else tuple(f) for f in (inputs, outputs))
        inputs += tuple(source.format for source in weights)
        header, loaded = _ports_header(ports, inputs, outputs), ports.weights is not None
        driver = {name: Path(__file__).with_name(f"stream_{name}").read_bytes() for name in _DRIVER}
        macros = [f"-D{name}={value}" for name, value in sorted((defines or {}).items())]
        macros.append(f'-DRTLNN_MEM_DIR="{MEMORY_PLACEHOLDER}"')
        texts = [path.read_bytes() for path in verilog_files]
        parts = [tools.version, top, header, *macros, *VERILATOR_OPTIONS, COMPILE, LINK]
        digest = hashlib.sha256("\0".join(parts).encode() + b"\0".join(driver.values()))
        for text in texts:
            digest.update(hashlib.sha256(text).digest())
        library = cache / "cores" / f"{top}-{digest.hexdigest()[:24]}.so"
        started = time.perf_counter()
        if library.exists():
            os.utime(library)
            return cls(library, inputs, outputs, mem_dir.resolve(), 0.0, loaded, tuple(weights))
        library.parent.mkdir(parents=True, exist_ok=True)
        prune(library.parent)
        with tempfile.TemporaryDirectory(dir=cache, prefix="build-") as name:
            work = Path(name)
            (work / "ports.h").write_text(header)
            for file, text in driver.items():
                (work / file).write_bytes(text)
            sources = [f"{i}.v" for i in range(len(texts))]
            for source, text in zip(sources, texts, strict=True):
                (work / source).write_bytes(text)
            command = [str(tools.executable), *VERILATOR_OPTIONS, "--top-module", top, "-Mdir", "obj", *macros]
            command += ["-CFLAGS", f"{COMPILE} -I{work}", "-LDFLAGS", LINK, "-o", "core.so"]
            command += ["-j", str(os.cpu_count() or 1), str(work / "harness.cpp"), *sources]
            run_tool(command, work, tools.environment(cache), f"building the simulator of {top}")
            os.replace(shutil.move(work / "obj" / "core.so", work / "core.so"), library)
        return cls(library, inputs, outputs, mem_dir.resolve(), time.perf_counter() - started, loaded, tuple(weights))

    def run(
        self,
        frames: NDArray[np.integer] | Sequence[NDArray[np.integer]],
        *,
        source_stall: Stalls = NO_STALLS,
        sink_stall: Stalls = NO_STALLS,
        seed: int = 0,
        reset_at: int | None = None,
        faults: Sequence[FrameFault] = (),
        expected_frames: int | None = None,
        quiet_limit: int = 100_000,
        max_cycles: int = 1 << 40,
        drain: int = 256,
        reload: NDArray[np.uint64] | None = None,
        progress: Callable[[int, float], None] | None = None,
    ) -> StreamRun:
        """Stream `frames` [N, ...] (NHWC, `pixels * channels` values each) through a fresh instance after a reset.

        Of several inputs, `frames` has an array each, of as many frames.

        Parameters
        ----------
        seed : of stalls, of the garbage on idle inputs and unused lanes
        reset_at : first run the frames in reverse order for so many cycles, then reset in the middle and start over
        faults : frames to send too short or too long
        expected_frames : frames to come out (default: N)
        quiet_limit : cycles without any handshake that make a deadlock
        drain : cycles to go on after the last beat, to see beats in excess
        reload : weights to load while the frames run, in place of the first ones
        progress : called with the number of frames out and the cycles a second, now and then

        Raises `Deadlock`, or `CheckFailed` if the simulated design itself stops (such as a memory file missing) or
        `max_cycles` have passed. Contract violations are in the result: see `StreamRun.violations`.
        """
        rng = np.random.default_rng(seed)
        given = [frames] if isinstance(frames, np.ndarray) else list(frames)
        count = len(given[0]) if expected_frames is None else expected_frames

        def beats(arrays: Sequence[NDArray[np.integer]], faults: Sequence[FrameFault]) -> list[Beats]:
            formats = self.inputs[: len(self.inputs) - len(self.weights)]
            found = [
                Beats.of(fmt, array, [fault for fault in faults if fault.port == port], rng)
                for port, (fmt, array) in enumerate(zip(formats, arrays, strict=True))
            ]
            return found + [Beats.of_weights(source, self.mem_dir, len(arrays[0])) for source in self.weights]

        with Session.open(self.library, self.mem_dir, self.inputs, self.outputs) as session:
            session.reset(RESET_CYCLES, seed)
            if self.loaded:
                session.load(load_weights(self.mem_dir), quiet_limit)
            stalls = (source_stall, sink_stall)
            if reset_at is not None:
                before = beats([array[::-1] for array in given], ())
                Stream(session, before, len(given[0]), *stalls, quiet_limit, drain).advance(reset_at)
                session.reset(RESET_CYCLES, seed + 1)
            stream = Stream(session, beats(given, faults), count, *stalls, quiet_limit, drain)
            if reload is not None:
                session.offer(reload)
            started, step = time.perf_counter(), FIRST_STEP
            while stream.advance(min(step, max_cycles - stream.cycle)) is Status.RUNNING:
                speed = stream.cycle / max(time.perf_counter() - started, 1e-9)
                step = max(FIRST_STEP, int(speed * LOOK_SECONDS))
                if progress:
                    progress(stream.frames_out, speed)
                if stream.cycle >= max_cycles:
                    raise CheckFailed(f"not done after {max_cycles} cycles: {stream.where()}")
            seconds = time.perf_counter() - started
            if progress:
                progress(count, stream.cycle / max(seconds, 1e-9))
            return stream.result(seconds)


def _ports_header(ports: PortNames, inputs: Sequence[StreamFormat], outputs: Sequence[StreamFormat]) -> str:
    """`ports.h`: C++ names of the ports (Verilator writes a double underscore as `___05F`) and their widths."""

    def member(name: str) -> str:
        return re.sub("__", "___05F", name)

    lines = ['#include "Vcore.h"', "#define TOP Vcore", f'#define MEMORY_PLACEHOLDER "{MEMORY_PLACEHOLDER}"']
    lines += [f"#define CLOCK {member(ports.clock)}", f"#define RESET {member(ports.reset)}"]
    lines += [f"#define RESET_ACTIVE {int(not ports.reset_active_low)}"]
    if ports.weights:
        names = ("DATA", "VALID", "READY", "LAST")
        lines += [f"#define LOAD_{name} {member(f'{ports.weights}t{name.lower()}')}" for name in names]
    for side, prefixes, formats in (("INPUTS", ports.inputs, inputs), ("OUTPUTS", ports.outputs, outputs)):
        each = []
        for number, (prefix, fmt) in enumerate(zip(prefixes, formats, strict=True)):
            signals = ", ".join(member(f"{prefix}{name}") for name in ("tdata", "tvalid", "tready", "tlast"))
            each.append(f"X({number}, {signals}, {fmt.width})")
        lines.append(f"#define {side}(X) {' '.join(each)}")
    if ports.error:
        lines += [f"#define OUT_ERROR {member(ports.error)}"]
    return "\n".join(lines) + "\n"
