"""Memory files, and the modules that read them."""

import numpy as np
import pytest

from rtlnn.emit.memory import memory_file, pack_words, rom_module
from rtlnn.layers.memory_kind import MemoryKind


@pytest.mark.parametrize("bits", [1, 2, 5, 8, 13, 25])
def test_words_hold_their_elements_from_bit_0_up(bits: int, rng: np.random.Generator) -> None:
    values = rng.integers(-(1 << bits - 1), 1 << bits - 1, (9, 7))
    for row, word in zip(values, pack_words(values, bits), strict=True):
        assert word >> 7 * bits == 0
        fields = [word >> n * bits & (1 << bits) - 1 for n in range(7)]
        assert [f - (f >> bits - 1 << bits) for f in fields] == row.tolist()


def test_every_word_has_all_its_digits() -> None:
    assert memory_file([0, 1, 0x1FF], 9) == "000\n001\n1ff\n"
    assert memory_file([5], 1) == "5\n"
    assert memory_file([1 << 100], 101) == "1" + "0" * 25 + "\n"


@pytest.mark.parametrize(("depth", "msb", "style"), [(2, 0, "distributed"), (64, 5, "distributed"), (65, 6, "block")])
def test_the_module_has_the_size_of_its_contents(depth: int, msb: int, style: str) -> None:
    text = rom_module("m", 12, depth)
    assert f"input [{msb}:0] addr;" in text
    assert f"memory [0:{depth - 1}];" in text
    assert f'rom_style = "{style}"' in text
    assert '{`RTLNN_MEM_DIR, "m.mem"}' in text


def test_data_come_from_a_register_where_an_adder_follows() -> None:
    assert "assign data = memory[addr_2];" in rom_module("m", 12, 20)
    assert "data <= memory[addr_1];" in rom_module("m", 12, 20, registered=True)
    assert "assign data = memory[0];" in rom_module("m", 12, 1, registered=True)


def test_luts_hold_deep_memories_where_they_are_asked_to() -> None:
    text = rom_module("m", 12, 300, MemoryKind.LUTRAM)
    assert 'rom_style = "distributed"' in text
    assert "data <= memory[addr_1];" in text
    with pytest.raises(ValueError, match="m: an UltraRAM has no contents"):
        rom_module("m", 12, 300, MemoryKind.URAM)


def test_a_single_word_takes_no_register() -> None:
    text = rom_module("m", 12, 1)
    assert "posedge" not in text
    assert "assign data = memory[0];" in text
