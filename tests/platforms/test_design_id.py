"""The number of a design."""

from pathlib import Path

from rtlnn.platforms.identity import design_id


def build(folder: Path, **changed: str) -> Path:
    texts = {"interface.json": "{}", "rtl/core.v": "module core; endmodule", "mem/w.mem": "00", "report.json": "1"}
    for name, text in {**texts, **changed}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_it_depends_on_the_design_alone(tmp_path: Path) -> None:
    numbers = [
        design_id(build(tmp_path / str(number), **changed))
        for number, changed in enumerate(
            (
                {},
                {"report.json": "2"},
                {"interface.json": "{ }"},
                {"rtl/core.v": "x"},
                {"mem/w.mem": "01"},
                {"mem/v": ""},
            )
        )
    ]
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == len(numbers) - 1
    assert 0 <= min(numbers) <= max(numbers) < 1 << 64
