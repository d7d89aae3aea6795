"""Counting library cells, and the families that have them."""

import json

import pytest

from rtlnn.errors import InputError
from rtlnn.synthesis import Cells, Family, ModuleCells, Path, SynthResult


def test_kinds_of_cells() -> None:
    counts = {
        "LUT2": 3, "LUT6": 5, "INV": 2, "RAM32M16": 2, "RAM64X1D": 3, "SRL16E": 4, "SRLC32E": 1, "MUXF7": 9,
        "FDRE": 10, "FDSE": 1, "DSP48E2": 7, "RAMB36E2": 2, "RAMB18E2": 3, "URAM288": 1, "CARRY4": 6, "net_conv": 1,
    }  # fmt: skip
    cells = Cells.of(counts)
    assert cells == Cells(lut=10 + 22 + 5, lutram=16 + 6, srl=5, ff=11, dsp=7, bram36=2, bram18=3, uram=1, carry=6)


def test_totals_and_json() -> None:
    paths = (Path(4.125, "a.x", "a.y"), Path(2.0, "i", "o"))
    result = SynthResult(
        "net",
        Family.SERIES_7,
        Cells(lut=5) + Cells(lut=1, ff=2) * 3,
        (
            ModuleCells("a", 3, Cells(lut=1, ff=2), paths, 2.0, 1.5, False),
            ModuleCells("b", 1, Cells(lut=5), (), 0, 0, True),
        ),
        Path(5.5, "a.x", "b.y"),
        1.26,
        "Yosys",
    )
    data = json.loads(result.to_json())
    assert (data["lut"], data["ff"], data["seconds"], data["depth"], data["family"]) == (8, 6, 1.3, 5.5, "xc7")
    assert {"lut", "ff", "dsp", "bram36", "bram18", "uram", "lutram", "srl", "carry", "seconds"} <= set(data)
    assert data["path"] == {"levels": 5.5, "start": "a.x", "end": "b.y"}
    first, second = data["modules"]
    assert (first["instances"], first["depth"], first["arriving"], first["leaving"]) == (3, 4.125, 2.0, 1.5)
    assert first["paths"][1] == {"levels": 2.0, "start": "i", "end": "o"}
    assert (second["memory"], second["depth"]) == (True, 0.0)


@pytest.mark.parametrize(
    ("part", "family"),
    [
        ("xc7z020clg400-1", Family.SERIES_7),
        ("xa7a100t", Family.SERIES_7),
        ("XCKU040-ffva1156-2-e", Family.ULTRASCALE),
        ("xcvu190-flga2577-2-e", Family.ULTRASCALE),
        ("xcvu9p-flga2104-2L-e", Family.ULTRASCALE_PLUS),
        ("xcku15p-ffva1156-2-e", Family.ULTRASCALE_PLUS),
        ("xczu9eg-ffvb1156-2-e", Family.ULTRASCALE_PLUS),
        ("xcu200-fsgd2104-2-e", Family.ULTRASCALE_PLUS),
        ("xck26-sfvc784-2LV-c", Family.ULTRASCALE_PLUS),
    ],
)
def test_families_of_parts(part: str, family: Family) -> None:
    assert Family.of(part) is family


@pytest.mark.parametrize("part", ["LFE5U-85F", "xc6slx9", "xcvc1902-vsva2197-2MP-e-S", ""])
def test_other_families(part: str) -> None:
    with pytest.raises(InputError, match=f"not for the part '{part}'"):
        Family.of(part)
