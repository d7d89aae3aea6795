"""Kept results: a number that got worse is found and named, others are not."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.chart import draw
from benchmarks.documents import BEGIN, END, with_section, write
from benchmarks.figures import Figure, Limit
from benchmarks.results import Row, load, merged, regressions, save
from benchmarks.tables import comparison_table, reach_table
from rtlnn.errors import InputError

FIGURES = {Figure.INTERVAL: 1568, Figure.DSP: 66, Figure.LUT: 800, Figure.BRAM36: 60.5, Figure.EFFICIENCY: 0.9697}
REACH = (Limit(Figure.LUT, 800), Limit(Figure.EFFICIENCY, 0.97))
ROW = Row(
    "MLP 784-256-10", "small", FIGURES, "abc", 300, reach=REACH, notes={"build_seconds": 2.5, "build_megabytes": 1100}
)


def _with(figure: Figure, value: float) -> Row:
    return replace(ROW, figures={**FIGURES, figure: value})


@pytest.mark.parametrize(
    ("figure", "value", "message"),
    [
        (Figure.LUT, 801, "MLP 784-256-10, small: LUT was 800, and is 801"),
        (Figure.BRAM36, 61, "MLP 784-256-10, small: BRAM36 was 60.5, and is 61"),
        (Figure.INTERVAL, 1569, "MLP 784-256-10, small: interval was 1,568, and is 1,569"),
        (Figure.EFFICIENCY, 0.9696, "MLP 784-256-10, small: efficiency was 0.970, and is 0.970"),
    ],
)
def test_worse_number_is_found(figure: Figure, value: float, message: str) -> None:
    assert regressions([ROW], [_with(figure, value)]) == [message]


def test_better_numbers_and_new_designs_are_fine() -> None:
    better = [_with(Figure.LUT, 799), _with(Figure.EFFICIENCY, 0.98), _with(Figure.URAM, 3), ROW]
    assert [regressions([ROW], [row]) for row in better] == [[]] * 4
    assert not regressions([], [ROW])
    assert not regressions([ROW], [])  # not measured this time


def test_design_that_is_lost_is_found() -> None:
    lost = replace(ROW, figures={}, shortfall="an interval of 1,568 cycles cannot be reached")
    assert len(regressions([ROW], [lost])) == len(FIGURES)
    assert "is not measured any more" in regressions([ROW], [lost])[0]


def test_rounding_is_no_regression(tmp_path: Path) -> None:
    row = _with(Figure.EFFICIENCY, 2 / 3)
    save([row], tmp_path / "results.json")
    assert not regressions(load(tmp_path / "results.json"), [row])


def test_rows_survive_the_file(tmp_path: Path) -> None:
    rows = [ROW, replace(ROW, target="fast", shortfall="too large", figures={})]
    save(rows, tmp_path / "results.json")
    assert load(tmp_path / "results.json") == rows
    assert load(tmp_path / "none.json") == []
    (tmp_path / "bad.json").write_text('{"rows": [{"network": 1}]}')
    with pytest.raises(InputError, match="is not a results file"):
        load(tmp_path / "bad.json")


def test_new_rows_take_the_place_of_old_ones() -> None:
    other, new = replace(ROW, target="fast"), _with(Figure.LUT, 700)
    assert merged([ROW, other, replace(ROW, target="gone")], [new], [other.title, ROW.title]) == [other, new]


def test_missed_goal_is_shown() -> None:
    assert [str(limit) for limit in ROW.missed] == ["efficiency ≥ 0.970"]
    assert reach_table([ROW]).splitlines()[2:] == [
        "| MLP 784-256-10, small | LUT ≤ 800 | 800 | yes |",
        "| MLP 784-256-10, small | efficiency ≥ 0.970 | 0.970 | **no** |",
    ]
    lost = replace(ROW, figures={}, shortfall="too large")
    assert reach_table([lost]).count("**no**") == 3
    table = comparison_table([ROW])
    line = next(line for line in table.splitlines() if "**rtlnn**" in line)
    expected = "| MLP 784-256-10 | **rtlnn**, small ✗ | 1,568 | - | 66 | 800 | - | 60.5 | 0.970 | - | 300 | 191,000 |"
    assert line == expected
    assert "| MLP 784-256-10 | Danopoulos et al. | 1,890 | 1,890 | 64 | 15,184 | 3,450 | 199 |" in table


def test_documents(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    example = Row("digits/mlp", "16 cycles", {**FIGURES, Figure.ACCURACY: 0.99}, "abc", 300)
    example = replace(example, notes={"images": 360, "float": 0.98, "integer": 0.99})
    text = write([ROW], [example], tmp_path)
    assert "Measured at abc" in text
    assert "Building took at most 2.5 s (MLP 784-256-10, small) and 1,100 MB" in text
    assert "| digits/mlp | 360 | 98.00 % | 99.00 % | 99.00 % |" in readme.read_text()
    assert readme.read_text().startswith(f"before\n{BEGIN}\n| network | design |")
    assert readme.read_text().endswith(f"{END}\nafter\n")
    first = readme.read_text(), (tmp_path / "benchmarks" / "results.svg").read_bytes()
    write(load(tmp_path / "benchmarks" / "results.json")[:1], [example], tmp_path)
    assert first == (readme.read_text(), (tmp_path / "benchmarks" / "results.svg").read_bytes())


def test_readme_without_marks() -> None:
    with pytest.raises(InputError, match="once, in that order"):
        with_section(f"{END}\n{BEGIN}\n", "x")


def test_chart_has_all_designs(tmp_path: Path) -> None:
    draw([ROW], tmp_path / "chart.svg")
    text = (tmp_path / "chart.svg").read_text()
    for label in ("small", "FINN", "NNgen", "hls4ml QP", "Hadjis, Olukotun", "SVHN CNN", "DSP", "LUT"):
        assert f">{label}<" in text
