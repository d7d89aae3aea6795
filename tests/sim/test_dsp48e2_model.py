"""The behavioural DSP48E2: against a second description of the slice, and what it refuses."""

import re
from collections.abc import Callable
from importlib import resources
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Cat, Elaboratable, Instance, Module, Signal, Value

from rtlnn.emit.verilog import convert
from rtlnn.errors import CheckFailed
from rtlnn.ir.types import Array
from rtlnn.layers import dsp48e2
from rtlnn.layers.dsp48e2 import Operand
from rtlnn.layers.stream import StreamFormat
from rtlnn.sim.harness import CompiledCore
from rtlnn.sim.stream_run import PortNames

Rng = np.random.Generator
Words = dict[str, int]
MODEL = (resources.files("rtlnn.sim") / "models" / "DSP48E2.v").read_text()
FLAGS = "CEA1 CEA2 CEAD CEB1 CEB2 CEC CECTRL CED CEM CEP RSTA RSTB RSTC RSTCTRL RSTD RSTM RSTP"
RND = 0x9ABC_DEF0_1234
Settings = dict[str, object]
# every setting of each register and multiplexer, in the slices of the layers and in others
SETTINGS: list[Settings] = [
    {},
    {"AREG": 2, "CREG": 1, "OPMODEREG": 1},
    {"BREG": 1, "AMULTSEL": "A"},
    {"AREG": 2, "BREG": 1, "CREG": 1, "AMULTSEL": "A"},
]
ADDER: Settings = {"AMULTSEL": "A", "USE_MULT": "NONE", "MREG": 0, "BREG": 1, "CREG": 1, "OPMODEREG": 1}
SETTINGS += [
    {**ADDER, "AREG": 2, "OPMODEREG": 0},
    {**ADDER, "USE_SIMD": "TWO24", "IS_OPMODE_INVERTED": 0b101110101},
]
CONTROLS = "CASCADE", "SHIFTED", "OWN", "SUBTRACT", "W_0", "W_1", "AB", "ADD_C"
NOTHING = dict.fromkeys(CONTROLS, 0)
"""What a reset of OPMODE's register asks for."""
WIDTHS = {"A": 30, "B": 18, "D": 27, "C": 48, "PCIN": 48} | dict.fromkeys((*FLAGS.split(), *CONTROLS), 1)
BYTES = -(-sum(WIDTHS.values()) // 8)


def _bench(settings: Settings) -> str:
    """One beat is one clock cycle: every port's value in, P (after the clock edge) and PCOUT out."""
    parameters = ", ".join(
        f'.{name}("{value}")' if isinstance(value, str) else f".{name}({value})"
        for name, value in {**dsp48e2._PARAMETERS, **settings}.items()
    )
    parameters += f", .RND(48'd{RND})"
    place, ports = 0, []
    for name, width in WIDTHS.items():
        ports.append(f"  wire [{width - 1}:0] w_{name} = s_axis_tdata[{place} +: {width}];")
        place += width
    joined = ", ".join(f".{name}(w_{name})" for name in WIDTHS if name not in CONTROLS)
    inmode = "5'b00000" if settings.get("AMULTSEL") == "A" else "5'b00100"
    x_and_y = "{w_ADD_C, w_ADD_C, w_AB, w_AB}" if settings.get("USE_MULT") == "NONE" else "4'b0101"
    inverted = settings.get("IS_OPMODE_INVERTED", 0)
    return "\n".join(
        [
            "module bench (input aclk, input aresetn,",
            f"  input [{8 * BYTES - 1}:0] s_axis_tdata, input s_axis_tvalid, input s_axis_tlast, output s_axis_tready,",
            "  output [95:0] m_axis_tdata, output reg m_axis_tvalid, output reg m_axis_tlast, input m_axis_tready);",
            *ports,
            "  assign s_axis_tready = 1;",
            "  always @(posedge aclk) m_axis_tvalid <= aresetn && s_axis_tvalid;",
            "  always @(posedge aclk) m_axis_tlast <= s_axis_tlast;",
            f"  DSP48E2 #({parameters}) dut (.CLK(aclk), {joined}, .ACIN(30'd0), .BCIN(18'd0),",
            "    .OPMODE({{w_W_1, w_W_0, (w_OWN | w_CASCADE) & w_SHIFTED, w_OWN, w_CASCADE & ~w_OWN}",
            f"             & {{5{{s_axis_tvalid}}}}, {x_and_y}}} ^ 9'd{inverted}),",
            f"    .INMODE({inmode}),",
            "    .ALUMODE(s_axis_tvalid && w_SUBTRACT ? 4'b0011 : 4'b0000), .CARRYIN(1'b0), .CARRYINSEL(3'd0),",
            "    .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0), .CEALUMODE(1'b0), .CECARRYIN(1'b0),",
            "    .CEINMODE(1'b0), .RSTALLCARRYIN(1'b0), .RSTALUMODE(1'b0), .RSTINMODE(1'b0),",
            "     .P(m_axis_tdata[47:0]), .PCOUT(m_axis_tdata[95:48]));",
            "endmodule",
        ]
    )


def _core(folder: Path, cycles: int, settings: Settings) -> CompiledCore:
    (folder / "model.v").write_text(MODEL)
    (folder / "bench.v").write_text(_bench(settings))
    formats = StreamFormat(BYTES, 8, False, BYTES, cycles), StreamFormat(12, 8, False, 12, cycles)
    ports = PortNames("aclk", "aresetn", True, ("s_axis_",), ("m_axis_",), None)
    return CompiledCore.build([folder / "bench.v", folder / "model.v"], "bench", *formats, ports=ports)


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def _described(cycles: list[Words], settings: Settings) -> list[int]:
    """P after each cycle, by UG579: every register has an enable and a reset, which wins (chapter 2, tables of ports).

    The pre-adder wraps at 27 bits; the product is signed, 27 by 18 bits; the sum wraps at 48 bits, or each half of it
    at 24; a cascade may come in shifted right by 17 bits, sign-extended.
    """
    a1 = a2 = d = ad = b1 = b2 = c = m = p = 0
    held = NOTHING
    used = {**dsp48e2._PARAMETERS, **settings}
    result = []
    for w in cycles:

        def register(old: int, new: int, enable: str, reset: str, w: Words = w) -> int:
            return 0 if w[reset] else new if w[enable] else old

        # W is 0, P, RND or C; Z is 0 or PCIN or P, as it is or >> 17; X and Y are the product, or A:B and C or 0
        mode = held if used["OPMODEREG"] else w
        third = c if used["CREG"] else w["C"]
        z = p if mode["OWN"] else mode["CASCADE"] * w["PCIN"]
        addends = [_signed(z, 48) >> 17 if mode["SHIFTED"] else z, (0, p, RND, third)[2 * mode["W_1"] + mode["W_0"]]]
        if used["USE_MULT"] == "NONE":
            addends += [mode["AB"] * (a2 << 18 | b2 & (1 << 18) - 1), mode["ADD_C"] * third]
        else:
            addends.append(m)
        if used["USE_SIMD"] == "TWO24":
            upper, lower = sum((v & (1 << 48) - 1) >> 24 for v in addends), sum(v & (1 << 24) - 1 for v in addends)
            total = (upper & (1 << 24) - 1) << 24 | lower & (1 << 24) - 1
        else:
            total = sum(addends) & (1 << 48) - 1
        a, b = w["A"], _signed(w["B"], 18)
        factor = ad if used["AMULTSEL"] == "AD" else _signed(a2, 27)
        a1, a2, d, ad, b1, b2, c, m, p, held = (
            register(a1, a, "CEA1", "RSTA"),
            register(a2, a1 if used["AREG"] == 2 else a, "CEA2", "RSTA"),
            register(d, _signed(w["D"], 27), "CED", "RSTD"),
            register(ad, _signed(a2 + d, 27), "CEAD", "RSTD"),
            register(b1, b, "CEB1", "RSTB"),
            register(b2, b1 if used["BREG"] == 2 else b, "CEB2", "RSTB"),
            register(c, w["C"], "CEC", "RSTC"),
            register(m, factor * b2, "CEM", "RSTM"),
            register(p, total, "CEP", "RSTP"),
            NOTHING if w["RSTCTRL"] else w if w["CECTRL"] else held,
        )
        result.append(p)
    return result


def _cycles(rng: Rng, count: int) -> list[Words]:
    """Random and extreme data; the first cycle resets everything, resets are rare after, enables are mostly high."""
    result = []
    for n in range(count):
        words = {}
        for name, width in WIDTHS.items():
            value = int(rng.integers(0, 1 << width))
            if width > 1 and rng.random() < 0.4:
                value = int(rng.choice([0, (1 << width) - 1, 1 << width - 1, (1 << width - 1) - 1, 1 << 26, 1]))
            chance = {"RST": 0.03 if n else 1.1, "CEA": 0.8, "CEB": 0.8, "CED": 0.8, "CEM": 0.8, "CEP": 0.8, "CEC": 0.8}
            if width == 1 and name[:3] in chance:
                value = int(rng.random() < chance[name[:3]])
            words[name] = value & (1 << width) - 1
        words["SUBTRACT"] = 0
        result.append(words)
    return result


def _beats(cycles: list[Words]) -> Array:
    rows = []
    for words in cycles:
        beat = place = 0
        for name, width in WIDTHS.items():
            beat |= words[name] << place
            place += width
        rows.append(list(beat.to_bytes(BYTES, "little")))
    return np.array(rows)[np.newaxis]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_every_register_and_operation(settings: Settings, rng: Rng, tmp_path: Path) -> None:
    cycles = _cycles(rng, 4000)
    run = _core(tmp_path, len(cycles), settings).run(_beats(cycles))
    for place in (0, 6):
        p = [int.from_bytes(bytes(row[place : place + 6].tolist()), "little") for row in run.outputs[0]]
        assert p == _described(cycles, settings)
    assert len(set(p)) > 2000, "the data must not be held in reset"


def test_halves_at_the_extremes(rng: Rng, tmp_path: Path) -> None:
    """All pairs of A:B and C whose halves are all but their middle values, onto nothing and onto a sum: no carry."""
    ends = (0, 1, (1 << 23) - 1, 1 << 23, (1 << 24) - 1)
    halves = [high << 24 | low for high, low in product(ends, repeat=2)]
    quiet = dict.fromkeys(WIDTHS, 0) | {name: 1 for name in FLAGS.split() if name.startswith("CE")}
    cycles = [
        {**quiet, "A": x >> 18, "B": x & (1 << 18) - 1, "C": y, "AB": 1, "ADD_C": 1, "OWN": own, "W_1": 1}
        for own, x, y in product((0, 1), halves, halves)
    ]
    settings: Settings = {**ADDER, "USE_SIMD": "TWO24"}
    run = _core(tmp_path, len(cycles), settings).run(_beats(cycles))
    p = [int.from_bytes(bytes(row[:6].tolist()), "little") for row in run.outputs[0]]
    assert p == _described(cycles, settings)
    assert p != _described(cycles, ADDER)


@pytest.mark.parametrize("port", [name for name in WIDTHS if name not in ("SUBTRACT", "AB", "ADD_C")])
def test_the_description_depends_on_every_port(port: str, rng: Rng) -> None:
    settings: Settings = {"AREG": 2, "CREG": 1, "OPMODEREG": 1}
    cycles = _cycles(rng, 500)
    changed = [{**words, port: 0} for words in cycles]
    assert _described(changed, settings) != _described(cycles, settings)


def test_an_operation_that_is_not_modelled_stops_the_simulation(rng: Rng, tmp_path: Path) -> None:
    cycles = _cycles(rng, 6000)
    cycles[70]["SUBTRACT"] = 1
    with pytest.raises(CheckFailed):
        _core(tmp_path, len(cycles), {}).run(_beats(cycles))


def test_a_setting_that_is_not_modelled_stops_the_simulation(rng: Rng, tmp_path: Path) -> None:
    with pytest.raises(CheckFailed):
        _core(tmp_path, 20, {"BREG": 0}).run(_beats(_cycles(rng, 20)))


def test_every_setting_is_checked() -> None:
    """The model names every parameter of the instances, and refuses all values but theirs where they matter."""
    (condition,) = re.findall(r"SUPPORTED = (.*?);", MODEL, re.DOTALL)
    checked = {name: value.strip('"') for name, value in re.findall(r'(\w+) == ("\w+"|\d+)', condition)}
    declared = set(re.findall(r"parameter (?:integer |\[\d+:0\] )?(\w+) =", MODEL))
    assert declared == {*dsp48e2._PARAMETERS, "RND", "IS_OPMODE_INVERTED"}
    # the registers of ACOUT and BCOUT, which the model does not have, and settings of any value
    assert declared - set(checked) == {"ACASCREG", "BCASCREG", "RND", "IS_OPMODE_INVERTED"}
    modelled = {name for settings in SETTINGS for name in settings}
    fixed = {
        name: str(value) for name, value in dsp48e2._PARAMETERS.items() if name in checked and name not in modelled
    }
    assert {name: value for name, value in checked.items() if name not in modelled} == fixed


class _Cascade(Elaboratable):
    def __init__(self, instance: Callable[..., Instance]) -> None:
        self.x, self.p = Signal(100), Signal(48)
        self._instance = instance

    def elaborate(self, platform: object) -> Module:
        m = Module()
        cascade = None
        for n in range(2):
            out = Signal(48, name=f"out{n}")
            x = self.x[50 * n :]
            m.submodules[f"dsp{n}"] = self._instance(x[:8].as_signed(), x[8:35], x[35:43], self.p, cascade, out)
            cascade, self.p = out, Signal(48)
        return m


def _vendor_ports() -> tuple[set[str], set[str], set[str]]:
    """Inputs, outputs and parameters of the primitive, as Yosys lists them from the vendor's library."""
    package = pytest.importorskip("pyosys")
    cells = Path(package.__file__).parent / "share" / "xilinx" / "cells_xtra.v"
    body = re.search(r"^module DSP48E2 ?\(.*?^endmodule", cells.read_text(), re.MULTILINE | re.DOTALL)
    assert body
    inputs, outputs, parameters = (
        set(re.findall(rf"^ +{kind} (?:(?:signed|integer|real) )?(?:\[[^]]*\] )?(\w+)", body[0], re.MULTILINE))
        for kind in ("input", "output", "parameter")
    )
    return inputs, outputs, parameters


def _shifted(a: Value, d: Value, b: Value, p: Signal, pcin: Signal | None, pcout: Signal) -> Instance:
    return dsp48e2.multiply_shifted(Operand(a, 2), None, Operand(b, 1), d if pcin is None else None, p, pcin, pcout)


def _halves(a: Value, d: Value, b: Value, p: Signal, pcin: Signal | None, pcout: Signal) -> Instance:
    return dsp48e2.accumulate_halves(Cat(a, d, b), Cat(d, a), p, pcout, a[0], d[0], 5)


@pytest.mark.parametrize("instance", [dsp48e2.multiply_add, _shifted, _halves])
def test_every_input_of_the_primitive_is_connected(instance: Callable[..., Instance]) -> None:
    """An input left open reads as one in the vendor's model."""
    inputs, outputs, parameters = _vendor_ports()
    assert {"A", "CARRYCASCIN", "RSTP", "CEA1"} <= inputs
    assert {"P", "PCOUT"} <= outputs
    top = _Cascade(instance)
    text = convert({"top": (top, {"x": (top.x, None)})})["top"]
    instances = re.findall(r"DSP48E2 #\((.*?)\n  \) \\?\w+ *\((.*?)\n  \);", text, re.DOTALL)
    assert len(instances) == 2
    for settings, ports in instances:
        connected = set(re.findall(r"\.(\w+)\([^)]", ports))
        assert inputs <= connected <= inputs | outputs
        assert set(re.findall(r"\.(\w+)\(", settings)) <= parameters
    declared = set(re.findall(r"\b(?:input|output) (?:\[[^]]*\] )?(\w+)", MODEL))
    declared |= {name for names in re.findall(r"input ((?:\w+, )+\w+)", MODEL) for name in names.split(", ")}
    assert inputs <= declared <= inputs | outputs
