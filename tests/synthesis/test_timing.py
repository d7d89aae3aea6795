"""The longest paths: what counts as a level, where paths begin and end, and how they go on in other modules."""

import json
from typing import Any

import pytest

from rtlnn.synthesis.paths import TimedModule, longest_path
from rtlnn.synthesis.timing import ModuleTiming, Path, Point, timing_of

Cell = dict[str, Any]


def cell(kind: str, inputs: dict[str, list[Any]], **outputs: list[Any]) -> Cell:
    return {
        "type": kind,
        "connections": {**inputs, **outputs},
        "port_directions": {**dict.fromkeys(inputs, "input"), **dict.fromkeys(outputs, "output")},
    }


def lut(output: int, *inputs: Any) -> Cell:
    return cell(f"LUT{len(inputs)}", {f"I{n}": [bit] for n, bit in enumerate(inputs)}, O=[output])


def register(output: int, data: Any, **others: list[Any]) -> Cell:
    return cell("FDRE", {"C": [999], "D": [data], **others}, Q=[output])


def netlist(cells: list[Cell], names: dict[str, list[int]] | None = None, **ports: tuple[str, list[int]]) -> Cell:
    hidden = {"$1": {"hide_name": 1, "bits": list(range(100))}}
    return {
        "ports": {name: {"direction": way, "bits": bits} for name, (way, bits) in ports.items()},
        "cells": {f"cell{n}": c for n, c in enumerate(cells)},
        "netnames": {**hidden, **{name: {"hide_name": 0, "bits": bits} for name, bits in (names or {}).items()}},
    }


def timed(module: Cell, *submodules: str) -> ModuleTiming:
    """The timing, which survives being written to a file."""
    found = timing_of(module, submodules)
    assert ModuleTiming.from_json(json.loads(json.dumps(found.to_json()))) == found
    return found


def eighths(*cells: Cell) -> int:
    """The longest path from the register that drives net 1 to the one that net 99 feeds."""
    rows = [register(1, "0"), *cells, register(100, 99)]
    orders = [timed(netlist(order)).inner for order in (rows, rows[::-1])]
    assert orders[0][0][0] == orders[1][0][0]
    return orders[0][0][0]


def test_luts_count_and_wide_multiplexers_do_not() -> None:
    assert eighths(lut(99, 1)) == 8
    assert eighths(lut(2, 1, "0"), cell("MUXF7", {"I0": [2], "I1": [2], "S": [1]}, O=[3]), lut(99, 3, 1)) == 16
    assert eighths(cell("INV", {"I": [1]}, O=[99])) == 8


CARRY = {"CO": [50, 51, 52, 53], "O": [60, 61, 62, 63]}


@pytest.mark.parametrize(
    ("inputs", "end", "expected"),
    [
        ({"CI": [1]}, 53, 4),
        ({"CYINIT": [1]}, 50, 1),
        ({"CI": [1]}, 62, 3),
        ({"S": [1, "0", "0", "0"]}, 53, 4),
        ({"S": ["0", "0", "0", 1]}, 53, 1),
        ({"S": ["0", 1, "0", "0"]}, 61, 1),
        ({"DI": ["0", 1, "0", "0"]}, 62, 2),
        ({"DI": ["0", 1, "0", "0"], "S": [1, "0", "0", "0"]}, 61, 2),
    ],
)
def test_elements_of_a_carry_chain(inputs: dict[str, list[Any]], end: int, expected: int) -> None:
    outputs = {port: [99 if bit == end else bit for bit in bits] for port, bits in CARRY.items()}
    assert eighths(cell("CARRY4", inputs, **outputs)) == expected


def test_a_sum_does_not_depend_on_its_own_data_input() -> None:
    found = timed(netlist([register(1, "0"), cell("CARRY4", {"DI": [1, "0", "0", "0"]}, O=[99]), register(2, 99)]))
    assert found.inner == ()


def test_an_adder_of_24_bits_is_four_levels() -> None:
    """A LUT, five whole CARRY4, and all of the sixth: 1 + 24 / 8."""
    first = lut(2, 1, "0")
    chain = [cell("CARRY4", {"S": [2, "0", "0", "0"]}, CO=[10, 11, 12, 13])]
    chain += [cell("CARRY4", {"CI": [4 * n + 9]}, CO=[4 * n + 10 + i for i in range(4)]) for n in range(1, 5)]
    chain += [cell("CARRY4", {"CI": [29]}, O=[40, 41, 42, 99])]
    assert eighths(first, *chain) == 8 + 24


def test_memories_of_luts_are_read_through_their_address() -> None:
    """What is written passes through at the next clock edge alone."""
    memory = cell("RAM32M16", {"DIA": [3], "ADDRA": [5], "ADDRB": ["0"]}, DOA=[6], DOB=[7])
    assert eighths(lut(2, 1), lut(3, 2), lut(5, 1), memory, lut(99, 6)) == 24
    assert eighths(lut(2, 1), lut(3, 2), lut(5, 1), memory, lut(99, 7)) == 16
    dual = cell("RAM64X1D", {"A0": [1], "DPRA5": [2], "D": ["0"]}, SPO=[4], DPO=[5])
    assert eighths(lut(2, 1), dual, lut(99, 5)) == 24
    assert eighths(lut(2, 1), dual, lut(99, 4)) == 16


def test_shift_registers() -> None:
    """One of fixed length begins and ends paths; one with an address is read through it."""
    assert eighths(lut(2, 1), cell("SRL16E", {"D": [2], "A0": ["1"], "CLK": [999]}, Q=[3]), lut(99, 3)) == 8
    assert eighths(lut(2, 1), cell("SRLC32E", {"D": ["0"], "A": [2]}, Q=[3]), lut(99, 3)) == 24


def test_multipliers_and_block_rams_begin_and_end_paths() -> None:
    for kind, port in (("DSP48E2", "A"), ("DSP48E1", "C"), ("RAMB36E2", "ADDRARDADDR"), ("URAM288", "ADDR_A")):
        assert eighths(lut(2, 1), cell(kind, {port: [2]}, P=[3]), lut(99, 3)) == 8
        found = timed(netlist([register(1, "0"), lut(2, 1), cell(kind, {port: [2]}, P=[3])], {"one": [1]}))
        assert found.inner == ((8, "one", f"cell2.{port}"),)


def test_clock_enables_and_resets_end_paths() -> None:
    enabled = netlist(
        [register(1, "0"), lut(2, 1), register(3, 1, CE=[2])], {"count": [7, 1], "held.it": [3], "it": [3]}
    )
    assert timed(enabled).inner[0] == (8, "count[1]", "it.CE")


def test_one_path_for_each_register_and_the_longest_first() -> None:
    cells = [register(1, "0"), lut(2, 1), lut(3, 2), register(10, 2), register(11, 3), register(12, 1)]
    found = timed(netlist(cells, {"begin": [1], "sum": [10, 11], "flag": [12]}))
    assert found.inner == ((16, "begin", "sum[1]"), (0, "begin", "flag"))


def test_a_loop_of_gates_does_not_hang() -> None:
    assert timed(netlist([lut(1, 2), lut(2, 1, 3), register(3, 2)])).inner


def test_paths_at_the_border() -> None:
    cells = [lut(10, 1), register(20, 10), lut(30, 2), lut(31, 30), lut(32, 20, 2)]
    module = netlist(cells, {"held": [20]}, i=("input", [1]), ready=("input", [2]), o=("output", [31, 32]))
    found = timed(module)
    assert found.arriving == {Point("", "i"): (8, "held")}
    assert found.leaving == {Point("", "o"): (8, "held")}
    assert found.through == ((Point("", "ready"), Point("", "o"), 16),)
    assert found.longest[0] == Path(2.0, "ready", "o")


def _stage() -> TimedModule:
    """One LUT to a register, one behind it, and one through which `ready` passes back."""
    cells = [lut(10, 1), register(20, 10), lut(31, 20), lut(32, 2)]
    ports = {"i": ("input", [1]), "o": ("output", [31]), "back": ("output", [32]), "ready": ("input", [2])}
    return TimedModule(timed(netlist(cells, {"held": [20]}, **ports)), {})


def _chain(close: bool = False) -> dict[str, TimedModule]:
    """Two stages one after the other, with a LUT between them and one at the end."""
    first = cell("stage", {"i": [1], "ready": [6]}, o=[3], back=[5])
    second = cell("stage", {"i": [4], "ready": [2 if not close else 6]}, o=[7], back=[6])
    module = netlist(
        [first, lut(4, 3), second, lut(8, 5)],
        {},
        s=("input", [1]), m_ready=("input", [2]), m=("output", [7]), s_ready=("output", [8]),
    )  # fmt: skip
    return {"stage": _stage(), "top": TimedModule(timed(module, "stage"), {"cell0": "stage", "cell2": "stage"})}


def test_paths_go_on_in_other_modules() -> None:
    """From one stage's register over the LUT in between to the other's, and `ready` through all."""
    path = longest_path(_chain(), "top")
    assert path is not None
    assert path.levels == 3.0
    assert {path.start, path.end} in ({"cell0.held", "cell2.held"}, {"m_ready", "s_ready"})


def test_a_loop_across_modules_does_not_hang() -> None:
    path = longest_path(_chain(close=True), "top")
    assert path is not None
    assert path.levels >= 3.0


def test_a_path_that_stays_inside_counts_for_the_design() -> None:
    deep = netlist([register(1, "0"), lut(2, 1), lut(3, 2), register(4, 3)], {"x": [1], "y": [4]})
    modules = {"deep": TimedModule(timed(deep), {}), "top": TimedModule(timed(netlist([])), {"a": "deep"})}
    assert longest_path(modules, "top") == Path(2.0, "a.x", "a.y")
    assert longest_path({"top": TimedModule(timed(netlist([])), {})}, "top") is None
