"""Platform files: the shipped ones, and what is said about wrong ones."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rtlnn.errors import InputError
from rtlnn.platforms import Arithmetic, Resources, list_platforms, load_platform, loader
from rtlnn.platforms.alveo.shell import VitisShell

GOOD = """\
name: mine
description: my board
part: xc7a35t
clock_mhz: 100
arithmetic: DSP48E1
slrs:
  - {name: A, lut: 20800, ff: 41600, dsp: 90, bram36: 50, uram: 0}
  - {name: B, lut: 10, ff: 20, dsp: 1, bram36: 2, uram: 3}
source: the data sheet
memory:
  - {name: DDR, slr: B, gibibytes: 1}
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return path

    return write


def test_shipped_platforms() -> None:
    assert {"u200", "u250", "u280", "u50", "u55c", "vu9p", "xc7z020", "zu9eg"} <= set(list_platforms())
    assert {"pynq-z2", "zcu102", "kv260"} <= set(list_platforms())
    for name in list_platforms():
        platform = load_platform(name)
        assert platform.name == name
        assert platform.source
    assert load_platform("vu9p").available == Resources(1182240, 2364480, 6840, 2160, 960)
    assert load_platform("zu9eg").available == Resources(274080, 548160, 2520, 912, 0)
    assert load_platform("xc7z020").available == Resources(53200, 106400, 220, 140, 0)
    assert load_platform("xc7z020").arithmetic is Arithmetic.DSP48E1


def test_u200_is_the_user_region() -> None:
    u200, chip = load_platform("u200"), load_platform("vu9p")
    assert isinstance(u200.shell, VitisShell)
    assert u200.available == Resources(979040, 1958080, 5880, 1860, 800)
    for region, bare in zip(u200.slrs, chip.slrs, strict=True):
        assert region.lut < bare.lut
        assert region.dsp <= bare.dsp
    assert u200.bank("DDR[3]").slr == "SLR2"


def test_own_file(write) -> None:
    for path in (write(GOOD), str(write(GOOD))):
        platform = load_platform(path)
        assert platform.available == Resources(20810, 41620, 91, 52, 3)
        assert platform.clock_mhz == 100.0
        assert platform.shell is None
    assert load_platform(write(GOOD + "shell: null\n")).shell is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("u20", r"unknown platform 'u20': did you mean u2.* or u200"),
        ("U200", r"did you mean u200"),
        ("stratix", r"unknown platform 'stratix': Known: .*u200, .*vu9p, .*zu9eg; or give the path"),
        ("nowhere.yaml", r"cannot read the platform file nowhere\.yaml: No such file"),
        ("/tmp", r"cannot read the platform file /tmp: Is a directory"),
    ],
)
def test_unknown_names(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_platform(name)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (GOOD, "", r"the file is empty"),
        (GOOD, "[1, 2]", r"line 1, column \d+: the platform must be a mapping"),
        (GOOD, "a: [1", r"line 1, column \d+: not valid YAML"),
        ("part:", "prat:", r"line 3, column \d+: unknown key `prat` in the platform; did you mean `part`\?"),
        ("part:", "zzz:", r"line 3, column \d+: unknown key `zzz` in the platform; known keys: name, description"),
        ("part: xc7a35t\n", "", r"line 1, column \d+: the platform lacks `part`"),
        ("part: xc7a35t", "part: 7", r"line 3, column \d+: `part` must be a text, not '7'"),
        ("clock_mhz: 100", "clock_mhz: fast", r"line 4, column \d+: `clock_mhz` must be a number in MHz, not 'fast'"),
        ("clock_mhz: 100", "clock_mhz: true", r"line 4, column \d+: `clock_mhz` must be a number in MHz, not 'true'"),
        (
            "clock_mhz: 100",
            "clock_mhz: -3",
            r"line 4, column 12: `clock_mhz` must be more than 0 and at most 2000 MHz",
        ),
        ("clock_mhz: 100", "clock_mhz: 100\nclock_mhz: 200", r"line 5, column \d+: key `clock_mhz` is given twice"),
        ("DSP48E1", "DSP58", r"line 5, column \d+: `arithmetic` must be one of DSP48E2, DSP48E1, GENERIC"),
        ("lut: 10,", "lut: 10.5,", r"line 8, column \d+: `lut` must be a whole number, not '10\.5'"),
        ("lut: 10,", "lut: [10],", r"line 8, column \d+: `lut` must be a whole number"),
        ("lut: 10,", "lut: -10,", r"line 8, column 20: region B cannot have -10 of `lut`"),
        (", uram: 3", "", r"line 8, column \d+: an entry of `slrs` lacks `uram`"),
        ("name: B", "name: A", r"two regions are called A"),
        ("slr: B", "slr: C", r"memory bank DDR is in C, which is no region"),
        ("memory:\n", "memory: 5\nx:\n", r"line 10, column \d+: `memory` must be a list"),
        (
            "memory:",
            "shell: {kind: vitis_rtl_kernel, target: t, memory: HBM}\nmemory:",
            r"the shell uses HBM, of which `memory` lists no bank",
        ),
        (
            "memory:",
            "shell: {kind: vitis_rtl_kernel, target: t, memory: DDR, compute_units: 32}\nmemory:",
            r"line 10, column \d+: there can be 1 to 31 compute units, not 32",
        ),
        (
            "memory:",
            "shell: {kind: vitis_rtl_kernel, target: t, memory: DDR, compute_units: 2}\nmemory:",
            r"line 10, column 72: 2 compute units need 2 banks of DDR; `memory` lists 1",
        ),
        (
            "memory:",
            "shell: {kind: vitis_rtl_kernel, target: t, memory: DDR, bank_per_bus: true}\nmemory:",
            r"line 10, column 8: 1 compute units need 2 banks of DDR; `memory` lists 1",
        ),
        ("memory:", "shell: {kind: pcie, target: t, memory: DDR}\nmemory:", r"`kind` must be one of vitis_rtl_kernel"),
        (GOOD[GOOD.index("  - ") : GOOD.index("source")], "  []\n", r"`slrs` is empty"),
    ],
)
def test_wrong_files(write, right: str, wrong: str, message: str) -> None:
    assert right in GOOD
    with pytest.raises(InputError, match=message) as caught:
        load_platform(write(GOOD.replace(right, wrong)))
    assert "mine.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("clock_mhz: 100", "clock_mhz: 300MHz", r"`clock_mhz` must be a number in MHz, not '300MHz'; write 300$"),
        ("clock_mhz: 100", "clock_mhz: 0.3 GHz", r"not '0\.3 GHz'; write 300$"),
        ("clock_mhz: 100", "clock_mhz: 100000000", r"at most 2000 MHz, not 1e\+08; write 100\?$"),
        ("clock_mhz: 100", "clock_mhz: .nan", r"line 4, column 12: `clock_mhz` must be more than 0"),
        ("gibibytes: 1", "gibibytes: 512 MiB", r"line 11, column 36: `gibibytes` must be .* in GiB, .*; write 0\.5$"),
        ("gibibytes: 1", "gibibytes: 0", r"line 11, column 36: memory bank DDR cannot have 0 GiB"),
        ("gibibytes: 1", "gibibytes: 1, gigabytes_per_second: 19 GB/s", r"must be a number in GB/s, .*; write 19$"),
        ("gibibytes: 1", "gibibytes: 1, gigabytes_per_second: -1", r"column 61: memory bank DDR cannot deliver -1"),
        ("memory:\n", "memory:\n  - {name: DDR, slr: A, gibibytes: 1}\n", r"line 12, column 12: two memory banks are"),
        ("name: B", "name: A", r"line 8, column 12: two regions are called A"),
        ("slr: B", "slr: C", r"line 11, column 22: .* is in C, which is no region; there are A, B$"),
        ("dsp: 90", "dsp: 0", None),
        ("dsp: 1,", "dsp: 0,", None),
        (
            "memory:",
            "shell: {target: t, memory: DDR}\nmemory:",
            r"line 10, column 8: `shell` lacks `kind`, one of vit",
        ),
        ("memory:", "shell: {kind: [uart]}\nmemory:", r"line 10, column 15: `kind` must be one of"),
        ("memory:", "shell: {kind: zynq_dna}\nmemory:", r"`kind` must be one of .*; did you mean zynq_dma\?"),
        ("memory:", "shell: 3\nmemory:", r"line 10, column 8: `shell` must be a mapping"),
    ],
)
def test_units_and_contradictions(write, right: str, wrong: str, message: str | None) -> None:
    assert right in GOOD
    path = write(GOOD.replace(right, wrong))
    if message is None:
        load_platform(path)
    else:
        with pytest.raises(InputError, match=message):
            load_platform(path)


def test_no_multipliers(write) -> None:
    text = GOOD.replace("dsp: 90", "dsp: 0").replace("dsp: 1,", "dsp: 0,")
    with pytest.raises(InputError, match=r"line 5, column 13: multipliers are DSP48E1, but no region has a `dsp`;"):
        load_platform(write(text))
    assert load_platform(write(text.replace("DSP48E1", "GENERIC"))).available.dsp == 0


def test_all_faults_are_told_at_once(write) -> None:
    with pytest.raises(InputError) as caught:
        load_platform(write(GOOD.replace("clock_mhz: 100", "clock_mzh: 100").replace("lut: 10,", "lut: ten,")))
    _, *lines = str(caught.value).splitlines()
    assert lines == [
        "  line 4, column 1: unknown key `clock_mzh` in the platform; did you mean `clock_mhz`?",
        "  line 8, column 20: `lut` must be a whole number, not 'ten'",
    ]


def test_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="not a text file"):
        load_platform(path)


@pytest.fixture
def bring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Files by name become the platforms of a package that is installed."""

    def bring(files: dict[str, str], value: str = "their_boards") -> None:
        folder = tmp_path / "their_boards"
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        for name, text in files.items():
            (folder / name).write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        entries = [EntryPoint("theirs", value, loader.GROUP)]
        monkeypatch.setattr(loader, "entry_points", lambda group: entries if group == loader.GROUP else [])
        loader._files.cache_clear()

    yield bring
    loader._files.cache_clear()
    sys.modules.pop("their_boards", None)


def test_the_examples_board() -> None:
    folder = Path(__file__).parents[2] / "examples" / "extension" / "rtlnn_acme" / "boards"
    assert [load_platform(path).name for path in folder.glob("*.yaml")] == ["acme_a35"]


def test_platforms_of_other_packages(bring) -> None:
    bring({"mine.yaml": GOOD})
    assert "mine" in list_platforms()
    assert load_platform("mine").part == "xc7a35t"
    with pytest.raises(InputError, match="unknown platform 'mone': did you mean mine"):
        load_platform("mone")


def test_a_platform_of_another_package_takes_no_name(bring) -> None:
    bring({"u200.yaml": GOOD})
    with pytest.raises(InputError, match=r"their_boards brings a platform 'u200', and so does .*u200\.yaml; rename"):
        list_platforms()


@pytest.mark.parametrize("value", ["no_such_package", "os:nothing", "os:sep"])
def test_a_package_that_cannot_be_loaded(bring, value: str) -> None:
    bring({}, value)
    with pytest.raises(InputError, match=f"the platforms 'theirs' .*{value}"):
        load_platform("u200")
