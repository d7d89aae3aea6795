"""An accelerator card in simulation: a build's kernels, cycle by cycle, behind the API of XRT.

The result looks like an installed XRT (`include/`, `lib/libxrt_coreutil.so`), so that the host program of the build is
compiled by its own Makefile and runs unchanged.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

from rtlnn.emit.interface import Interface
from rtlnn.errors import CheckFailed, InputError
from rtlnn.platforms.alveo.control import arguments_of
from rtlnn.sim.build_folder import BuildFolder
from rtlnn.sim.toolchain import default_cache_dir, find_toolchain, run_tool

__all__ = ["CardSettings", "HostRun", "SimulatedCard"]

_SOURCES = Path(__file__).with_name("card")
_LIBRARY = "libxrt_coreutil.so"
_VERILATOR = (
    *("--cc", "--exe", "--build", "--no-timing", "-O3", "--x-assign", "fast", "--x-initial", "fast"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-style", "--prefix", "Vkernel", "--default-language", "1364-2005"),
)


_BUSES = Template("""\
// The buses of the kernel: input, output, then those of weights in the order of its arguments.
#pragma once

#include <array>
#include <cstdint>

namespace card {

constexpr unsigned banks_a_unit = $banks;
constexpr std::array<unsigned, $count> bus_banks{$bus_banks};           // among those of the unit
constexpr std::array<std::uint32_t, $count> address_offsets{$offsets}; // registers

} // namespace card

#define CARD_STORES(X) $stores
""")


@dataclass(frozen=True)
class CardSettings:
    """The card, in clock cycles and bytes a cycle; see `card/card.h`.

    Parameters
    ----------
    units : compute units that the card has
    memory_latency : from a request to its data
    link_latency : of a transfer between host and card
    link_bytes : a cycle and direction (40 at 300 MHz: 12 GB/s)
    one_bank : all units share one bank of memory
    """

    units: int = 1
    memory_latency: int = 64
    link_latency: int = 300
    link_bytes: float = 40.0
    one_bank: bool = False

    def save(self, path: Path) -> None:
        """Write what the card takes in place of an xclbin."""
        path.write_text("".join(f"{key} {float(value):g}\n" for key, value in asdict(self).items()))


@dataclass(frozen=True)
class HostRun:
    """What the host program printed, its exit code, and the cycles that the card ran."""

    code: int
    output: str
    cycles: int


@dataclass(frozen=True)
class SimulatedCard:
    """A folder that looks like an installed XRT, with the kernels of one build behind it."""

    folder: Path

    @property
    def library(self) -> Path:
        return self.folder / "lib" / _LIBRARY

    @classmethod
    def build(cls, build_dir: Path, folder: Path, cache_dir: Path | None = None) -> "SimulatedCard":
        """Compile the kernel of a build into `folder`.

        Raises `InputError` without tools or a kernel for XRT, `BuildError` if a compiler refuses it.
        """
        build = BuildFolder.open(build_dir)
        interface = build.interface
        if interface.kernel is None or not interface.units:
            raise InputError(f"{build_dir} has no kernel for a card with XRT; choose a platform such as u200")
        tools, cache = find_toolchain(), cache_dir or default_cache_dir()
        shutil.copytree(_SOURCES / "xrt", folder / "include" / "xrt", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "lib").mkdir()
        with tempfile.TemporaryDirectory(dir=cache, prefix="build-") as name:
            work = Path(name)
            for source in _SOURCES.glob("*.*"):
                shutil.copy(source, work / source.name)
            verilog = []
            for number, path in enumerate((*build.core_files, *build.kernel_files)):
                verilog.append(f"{number}.v")
                shutil.copy(path, work / verilog[-1])
            flags = f"-std=c++20 -fPIC -I{work} -I{(folder / 'include').resolve()}"
            (work / "buses.h").write_text(_buses(interface))
            command = [str(tools.executable), *_VERILATOR, "--top-module", interface.kernel, "-Mdir", "obj"]
            command += [f'-DRTLNN_MEM_DIR="{build.mem_dir.resolve()}/"', "-CFLAGS", flags]
            command += ["-LDFLAGS", "-shared -pthread -Wl,-Bsymbolic", "-o", _LIBRARY]
            command += [*(str(path) for path in sorted(work.glob("*.cpp"))), *verilog]
            run_tool(command, work, tools.environment(cache), f"building the simulated card of {build_dir}")
            shutil.move(work / "obj" / _LIBRARY, folder / "lib" / _LIBRARY)
        return cls(folder)

    def make_host(self, build_dir: Path, flags: str = "-O1") -> Path:
        """Compile the build's host program by its Makefile. Raises `BuildError` if that fails."""
        host = build_dir / "host"
        command = ["make", "-s", "-C", str(host.resolve()), f"XILINX_XRT={self.folder.resolve()}", f"CXXFLAGS={flags}"]
        run_tool(command, host, os.environ, f"building the host program of {build_dir}")
        return host / "host"

    def run_host(
        self, program: Path, settings: CardSettings, arguments: Sequence[str | Path | int], timeout: float = 600
    ) -> HostRun:
        """Run the program with these arguments behind the xclbin. Raises `CheckFailed` if it does not end in time."""
        environment = os.environ | {"LD_LIBRARY_PATH": str(self.library.parent.resolve())}
        with tempfile.TemporaryDirectory(prefix="rtlnn-card-") as name:
            xclbin = Path(name) / "card.txt"
            settings.save(xclbin)
            try:
                done = subprocess.run(
                    [str(program.resolve()), str(xclbin), *map(str, arguments)],
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, check=False,
                    env=environment,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise CheckFailed(f"the host program did not end within {timeout:g} s") from None
        cycles = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("simulated card:")]
        return HostRun(done.returncode, done.stdout, int(cycles[-1]) if cycles else 0)


def _buses(interface: Interface) -> str:
    """The header that tells the card's model which buses the kernel has; all units have theirs alike."""
    arguments = [argument for argument in arguments_of(interface) if argument.port]
    places = interface.units[0].banks
    banks = list(dict.fromkeys(places.values()))
    return _BUSES.substitute(
        banks=len(banks),
        count=len(arguments),
        bus_banks=", ".join(str(banks.index(places[str(argument.port)])) for argument in arguments),
        offsets=", ".join(hex(argument.offset) for argument in arguments),
        stores=" ".join(f"X({argument.port})" for argument in arguments[2:]),
    )
