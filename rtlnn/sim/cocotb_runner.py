"""Builds and runs cocotb test benches with Verilator or Icarus Verilog; builds are kept by content.

Memory files are found under `mem/` in the folder where the simulator runs, so that a build serves any weights.
"""

import hashlib
import importlib.metadata
import os
import shutil
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb_tools.config
from cocotb_tools import runner as cocotb_runner

from rtlnn.errors import CheckFailed
from rtlnn.sim.simulators import Simulator, version
from rtlnn.sim.toolchain import BuildError, Toolchain, default_cache_dir, find_toolchain, prune

__all__ = ["BenchRun", "CocotbBench"]

MEMORY_FOLDER = "mem/"
TIMESCALE = ("1ns", "1ps")
LOG_LINES = 15

WAVES_OF_ICARUS = """module waves_of_icarus;
    initial begin
        $dumpfile("waves.fst");
        $dumpvars(0, {top});
    end
endmodule
"""


class _Verilator(cocotb_runner.Verilator):
    """cocotb's runner with a given Verilator: two private methods are extended, so cocotb is pinned."""

    def __init__(self, toolchain: Toolchain, cache_dir: Path) -> None:
        super().__init__()
        self.toolchain, self.cache_dir = toolchain, cache_dir

    def _simulator_in_path_build_only(self) -> None:
        self.executable = str(self.toolchain.executable)

    def _set_env_build(self) -> None:
        super()._set_env_build()
        search = self.env["PATH"], self.env["PYTHONPATH"]
        self.env.clear()
        self.env.update(self.toolchain.environment(self.cache_dir))
        self.env["PATH"], self.env["PYTHONPATH"] = search


@dataclass(frozen=True)
class BenchRun:
    """Outcome of a bench: for each test its failure message, None if it passed; simulated time and real time."""

    outcomes: dict[str, str | None]
    nanoseconds: float
    seconds: float


@dataclass(frozen=True)
class CocotbBench:
    """A design, ready for cocotb.

    Parameters
    ----------
    simulator : what runs it
    top : the top module
    build_dir : the simulator's files, in the cache
    waves : signals can be recorded
    """

    simulator: Simulator
    top: str
    build_dir: Path
    waves: bool

    @classmethod
    def build(
        cls,
        verilog_files: Sequence[Path],
        top: str,
        simulator: Simulator = Simulator.VERILATOR,
        *,
        defines: Mapping[str, str] | None = None,
        waves: bool = False,
        cache_dir: Path | None = None,
    ) -> "CocotbBench":
        """Compile module `top`, or take it from the cache.

        Raises `InputError` without tools, `BuildError` if the simulator refuses the design.
        """
        cache = cache_dir or default_cache_dir()
        program = version(simulator)
        if simulator is Simulator.VERILATOR:
            make: Any = _Verilator(find_toolchain(), cache)
            options = ["-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3"] + (["--trace-vcd"] if waves else [])
        else:
            make = cocotb_runner.Icarus()
            # by SystemVerilog's rules, which cocotb asks for, initial values are no events: what depends on nothing
            # else stays unknown
            options = ["-g2005"]
            if any(path.name == "glbl.v" for path in verilog_files):
                # the vendor's models look for this module beside the top
                options += ["-s", "glbl"]
            if waves:  # cocotb's own recorder is SystemVerilog
                options += ["-s", "waves_of_icarus"]
        macros = {**(defines or {}), "RTLNN_MEM_DIR": f'"{MEMORY_FOLDER}"'}
        texts = [path.read_bytes() for path in verilog_files]
        facts = (program, top, waves, sorted(macros.items()), options, str(cocotb_tools.config.libs_dir))
        if waves and simulator is Simulator.ICARUS:
            texts.append(WAVES_OF_ICARUS.format(top=top).encode())
        digest = hashlib.sha256(repr((*facts, importlib.metadata.version("cocotb"))).encode())
        for text in texts:
            digest.update(hashlib.sha256(text).digest())
        kept = cache / "cocotb" / f"{simulator.value}-{top}-{digest.hexdigest()[:24]}"
        bench = cls(simulator, top, kept, waves)
        if kept.exists():
            os.utime(kept)
            return bench
        kept.parent.mkdir(parents=True, exist_ok=True)
        prune(kept.parent)
        with tempfile.TemporaryDirectory(dir=cache, prefix="build-") as name:
            work, result = Path(name) / "obj", Path(name) / "result"
            work.mkdir()
            result.mkdir()
            sources = [Path(name) / f"{i}.v" for i in range(len(texts))]
            for source, text in zip(sources, texts, strict=True):
                source.write_bytes(text)
            log = Path(name) / "build.log"
            try:
                make.build(
                    sources=sources,
                    hdl_toplevel=top,
                    defines=macros,
                    build_args=options,
                    build_dir=work,
                    always=True,
                    waves=waves and simulator is Simulator.VERILATOR,
                    timescale=TIMESCALE,
                    log_file=log,
                )
            except RuntimeError:
                raise BuildError(f"building the simulator of {top} failed:\n{_tail(log)}") from None
            product = top if simulator is Simulator.VERILATOR else "sim.vvp"
            shutil.move(work / product, result / product)
            try:
                os.replace(result, kept)  # atomic
            except OSError:
                if not kept.exists():  # else a build running beside this one was faster: the same content
                    raise
        return bench

    def run(self, test_module: str, work_dir: Path, mem_dir: Path, *, seed: int = 0) -> BenchRun:
        """Run all tests of `test_module` in `work_dir`, where it finds its files; waves are left there too.

        Raises `CheckFailed` if the simulation ended without results.
        """
        link = work_dir / MEMORY_FOLDER.rstrip("/")
        if mem_dir.is_dir() and not link.exists():
            link.symlink_to(mem_dir.resolve(), target_is_directory=True)
        results, log = work_dir.resolve() / "results.xml", work_dir.resolve() / "simulation.log"
        tester: Any = cocotb_runner.get_runner(self.simulator.value)
        try:
            tester.test(
                test_module=test_module,
                hdl_toplevel=self.top,
                hdl_toplevel_lang="verilog",
                build_dir=self.build_dir,
                test_dir=work_dir,
                results_xml=str(results),
                seed=seed,
                waves=self.waves,
                log_file=log,
            )
        except (SystemExit, RuntimeError):  # the runner's way to say that a test failed, or that the simulator crashed
            if not results.exists():
                raise CheckFailed(f"the simulation of {self.top} ended without results:\n{_tail(log)}") from None
        cases = list(ET.parse(results).iter("testcase"))
        if not cases:
            raise CheckFailed(f"the simulation of {self.top} ran no test:\n{_tail(log)}")
        return BenchRun(
            {case.get("name", "?"): _failure(case) for case in cases},
            sum(_nanoseconds(case) for case in cases),
            sum(float(case.get("time", 0)) for case in cases),
        )


def _nanoseconds(case: ET.Element) -> float:
    found = [p.get("value", "0") for p in case.iter("property") if p.get("name") == "sim_time_duration"]
    return float(found[0]) if found else 0.0


def _failure(case: ET.Element) -> str | None:
    for tag in ("failure", "error", "skipped"):
        found = case.find(tag)
        if found is not None:
            text = found.get("message") or found.get("error_msg") or found.text or tag
            return text.strip().split("\n")[0]  # the rest repeats the assertion's source
    return None


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    errors = [line for line in lines if "%Error" in line][:5]
    return "\n".join([*errors, *lines[-LOG_LINES:]])
