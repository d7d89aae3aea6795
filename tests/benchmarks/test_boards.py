"""The page about boards shows what was measured."""

import json

from benchmarks.boards.__main__ import PAGE, RESULTS
from benchmarks.boards.measure import CASES
from benchmarks.boards.table import table
from benchmarks.documents import with_section

ROW = {
    "board": "b",
    "model": "mlp",
    "cells": {"LUT": {"used": 1234, "available": 5280}, "RAM": {"used": 3, "available": 30}},
    "achieved_mhz": 50.04,
    "wanted_mhz": 80.0,
    "interval_cycles": 1000,
    "file": None,
    "netlist_equals_reference": False,
}


def test_a_row_says_what_is_wrong() -> None:
    assert table([ROW]).splitlines()[2] == (
        "| b | digits mlp | 1,234 of 5,280 | with the LUTs | with the LUTs | 3 of 30 | 50.0 / 80 MHz **missed** | "
        "80,000 | **wrong** |"
    )


def test_the_page_is_of_the_results() -> None:
    rows = json.loads(RESULTS.read_text())
    assert {(row["board"], row["model"]) for row in rows} <= {(case.board, case.model) for case in CASES}
    assert all(row["achieved_mhz"] >= row["wanted_mhz"] for row in rows)
    page = PAGE.read_text()
    assert with_section(page, table(rows)) == page
