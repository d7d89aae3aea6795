"""Which Verilator runs, and the cache of its run-time objects."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rtlnn.errors import InputError
from rtlnn.sim import objcache, toolchain
from rtlnn.sim.toolchain import BuildError, default_cache_dir, find_toolchain, parse_version, prune, run_tool


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("Verilator 5.036 2025-04-27 rev v5.036", (5, 36)),
        ("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)", (5, 6)),
        (" rev vUNKNOWN-built20260516-4e853d8", None),
        ("", None),
    ],
)
def test_version(answer, version):
    assert parse_version(answer) == version


def fake_tools(folder: Path, **answers: str) -> str:
    """A search path with programs that print their answers."""
    for name, answer in answers.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
    return str(folder)


COMPILERS = {"g++": "", "make": "", "perl": ""}


def test_own_verilator_is_taken_if_new_enough(tmp_path):
    path = fake_tools(tmp_path, verilator="Verilator 5.036 2025-04-27", **COMPILERS)
    found = find_toolchain(path)
    assert not found.bundled
    assert found.executable == tmp_path / "verilator"
    assert found.description.startswith("Verilator 5.036 (")
    assert "OBJCACHE" not in found.environment(tmp_path)["MAKEFLAGS"]


def test_old_verilator_is_passed_over(tmp_path):
    path = fake_tools(tmp_path, verilator="Verilator 5.006 2023-01-22", **COMPILERS)
    found = find_toolchain(path)
    assert found.bundled
    assert "from pip" in found.version


def test_missing_tools_are_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"needs make, perl; install with: sudo apt-get install -y g\+\+ make perl"):
        find_toolchain(fake_tools(tmp_path, **{"g++": ""}))
    monkeypatch.setattr(toolchain.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"5\.036 or newer found; install with: pip install 'rtlnn\[sim\]'"):
        find_toolchain(fake_tools(tmp_path, **COMPILERS))


def test_environment_is_clean(tmp_path, monkeypatch):
    for name in ("VERILATOR_ROOT", "MAKEFLAGS", "MAKELEVEL"):
        monkeypatch.setenv(name, "foreign")
    env = find_toolchain().environment(tmp_path / "a b")
    assert "VERILATOR_ROOT" not in env
    assert "foreign" not in env["MAKEFLAGS"]
    # make and the shell must see the blank as part of one word
    (tmp_path / "Makefile").write_text("all:\n\t@for word in $(OBJCACHE); do echo $$word; done\n")
    words = subprocess.run(["make", "-C", tmp_path, "-s"], env=env, capture_output=True, text=True, check=True).stdout
    if find_toolchain().bundled:
        assert words.splitlines()[-1] == str(tmp_path / "a b" / "obj")


def test_cache_folder_has_no_blank(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "good"))
    assert default_cache_dir() == tmp_path / "good" / "rtlnn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not good"))
    monkeypatch.setattr(toolchain.tempfile, "gettempdir", lambda: str(tmp_path))
    assert default_cache_dir() == tmp_path / f"rtlnn-{os.getuid()}"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert default_cache_dir() == tmp_path / f"rtlnn-{os.getuid()}"


def test_old_builds_are_removed(tmp_path):
    (tmp_path / "old").mkdir()
    for name in ("old/program", "old.so", "new.so"):
        (tmp_path / name).write_text("")
    for name in ("old", "old.so"):
        os.utime(tmp_path / name, (0, 0))
    prune(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["new.so"]


def test_failing_step_shows_its_errors(tmp_path):
    script = "echo '%Error: here'; for i in $(seq 30); do echo line $i; done; exit 1"
    with pytest.raises(BuildError, match=r"(?s)building x failed:\n%Error: here\n.*line 30"):
        run_tool(["sh", "-c", script], tmp_path, os.environ, "building x")


def test_object_cache(tmp_path, monkeypatch):
    """Run-time sources are compiled once; whatever decides the object makes it be compiled again."""
    compiler = tmp_path / "compiler"
    compiler.write_text('#!/bin/sh\necho x >> calls\nwhile [ "$1" != -o ]; do shift; done\necho object > "$2"\n')
    compiler.chmod(0o755)
    (tmp_path / "verilated.cpp").write_text("1")
    (tmp_path / "other.cpp").write_text("1")
    (tmp_path / "include").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def compiles(*options: str, source: str = "verilated.cpp") -> int:
        Path("calls").write_text("")
        command = [str(compiler), *options, f"-I{tmp_path / 'include'}", "-I.", "-c", "-o", "x.o", f"../{source}"]
        assert objcache.main(tmp_path / "cache", command) == 0
        assert Path("x.o").read_text() == "object\n"
        Path("x.o").unlink()
        return len(Path("calls").read_text().split())

    assert [compiles(), compiles(), compiles("-O1"), compiles("-O1")] == [1, 0, 1, 0]
    (work / "design.h").write_text("a design's own header is not seen by the run-time library")
    assert compiles() == 0
    (tmp_path / "include" / "verilated.h").write_text("new")
    assert [compiles(), compiles()] == [1, 0]
    (tmp_path / "verilated.cpp").write_text("2")
    assert [compiles(), compiles()] == [1, 0]
    compiler.write_text(compiler.read_text() + "# another version\n")
    assert [compiles(), compiles()] == [1, 0]
    assert [compiles(source="other.cpp"), compiles(source="other.cpp")] == [1, 1]


def test_object_cache_passes_failures_on(tmp_path):
    (tmp_path / "verilated.cpp").write_text("")
    status = subprocess.run(
        [sys.executable, "-IS", objcache.__file__, tmp_path / "cache", "false", "-c", "-o", "x.o", "verilated.cpp"],
        cwd=tmp_path,
        check=False,
    ).returncode
    assert status == 1
    assert not list(tmp_path.glob("cache/*"))
