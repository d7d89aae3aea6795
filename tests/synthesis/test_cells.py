"""Counting library cells, and the longest row of LUTs."""

import json
from typing import Any

from rtlnn.synthesis import Cells, ModuleCells, SynthResult
from rtlnn.synthesis.worker import depth


def test_kinds_of_cells() -> None:
    counts = {
        "LUT2": 3, "LUT6": 5, "INV": 2, "RAM32M16": 2, "RAM64X1D": 3, "SRL16E": 4, "SRLC32E": 1, "MUXF7": 9,
        "FDRE": 10, "FDSE": 1, "DSP48E2": 7, "RAMB36E2": 2, "RAMB18E2": 3, "URAM288": 1, "CARRY4": 6, "net_conv": 1,
    }  # fmt: skip
    cells = Cells.of(counts)
    assert cells == Cells(lut=10 + 22 + 5, lutram=16 + 6, srl=5, ff=11, dsp=7, bram36=2, bram18=3, uram=1, carry=6)


def test_totals_and_json() -> None:
    result = SynthResult(
        "net",
        Cells(lut=5) + Cells(lut=1, ff=2) * 3,
        (ModuleCells("a", 3, Cells(lut=1, ff=2), 4, False), ModuleCells("b", 1, Cells(lut=5), 0, True)),
        1.26,
        "Yosys",
    )
    data = json.loads(result.to_json())
    assert (data["lut"], data["ff"], data["seconds"], data["depth"]) == (8, 6, 1.3, 4)
    assert {"lut", "ff", "dsp", "bram36", "bram18", "uram", "lutram", "srl", "carry", "seconds"} <= set(data)
    assert data["modules"][0]["instances"] == 3
    assert data["modules"][1]["memory"] is True


def cell(kind: str, inputs: dict[str, list[int | str]], output: int) -> dict[str, Any]:
    return {
        "type": kind,
        "connections": {**inputs, "Q": [output]},
        "port_directions": {**dict.fromkeys(inputs, "input"), "Q": "output"},
    }


def test_depth_between_registers() -> None:
    chain = [
        cell("FDRE", {"D": [6]}, 1),
        cell("LUT2", {"I0": [1], "I1": ["0"]}, 2),
        cell("CARRY4", {"S": [2]}, 3),
        cell("LUT6", {"I0": [3], "I1": [1]}, 4),
        cell("MUXF7", {"I0": [4]}, 5),
        cell("LUT1", {"I0": [5]}, 6),
    ]
    assert depth(chain) == 3
    assert depth(chain[::-1]) == 3
    assert depth(chain[:1]) == 0


def test_depth_ends_at_registers_and_multipliers() -> None:
    assert depth([cell("LUT2", {"I": [1]}, 2), cell("FDRE", {"D": [2]}, 3), cell("LUT2", {"I": [3]}, 4)]) == 1
    assert depth([cell("LUT2", {"I": [1]}, 2), cell("DSP48E2", {"A": [2]}, 3), cell("LUT2", {"I": [3]}, 4)]) == 1


def test_depth_of_a_memory_counts_from_its_read_address() -> None:
    """What is written passes through at the next clock edge alone."""
    data = [cell("LUT2", {"I": [1]}, 2), cell("LUT2", {"I": [2]}, 3)]
    address = [cell("LUT2", {"I": [1]}, 5)]
    memory = cell("RAM32M16", {"DIA": [3], "ADDRA": [5]}, 6)
    assert depth([*data, *address, memory, cell("LUT3", {"I": [6]}, 7)]) == 3
    assert depth([*data, cell("RAMB36E2", {"ADDRA": [3]}, 6), cell("LUT3", {"I": [6]}, 7)]) == 2


def test_a_loop_does_not_hang() -> None:
    assert depth([cell("LUT2", {"I": [2]}, 1), cell("LUT2", {"I": [1]}, 2)]) in (1, 2)
