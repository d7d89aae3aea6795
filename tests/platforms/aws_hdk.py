"""A folder that looks like AWS's HDK for F2 where the build of a custom logic looks.

The ports are those of the HDK's `cl_ports.vh` (small shell), written out again; its scripts are replaced by what they
do with the custom logic's own: copy the design, and source its synthesis script, here with the recorder of Vivado's
commands.
"""

from pathlib import Path

from tests.vivado_recorder import RECORDER

__all__ = ["make_hdk"]

_REQUEST = "id:16 addr:64 len:8 size:3 burst:2 cache:4 lock:1 prot:3 qos:4 user:55 valid:1"
_AXI = {
    "aw": _REQUEST,
    "w": "id:16 data:512 strb:64 last:1 user:64 valid:1",
    "b": "id:16 resp:2 valid:1",
    "ar": _REQUEST,
    "r": "id:16 data:512 resp:2 last:1 user:64 valid:1",
}
_LITE = {"aw": "addr:32 valid:1", "w": "data:32 strb:4 valid:1", "b": "resp:2 valid:1", "ar": "addr:32 valid:1",
         "r": "data:32 resp:2 valid:1"}  # fmt: skip
_INPUTS = """
clk_main_a0:1 rst_main_n:1 clk_hbm_ref:1 sh_cl_flr_assert:1 sh_cl_ctl0:32 sh_cl_ctl1:32 sh_cl_ctl2:32
sh_cl_status_vdip:16 sh_cl_pwr_state:2 cfg_max_payload:2 cfg_max_read_req:3 CLK_DIMM_DP:1 CLK_DIMM_DN:1
sh_cl_ddr_stat_addr:8 sh_cl_ddr_stat_wdata:32 sh_cl_ddr_stat_wr:1 sh_cl_ddr_stat_rd:1 sh_cl_ddr_stat_user:3
sh_cl_apppf_irq_ack:16 ocl_cl_awuser:55 ocl_cl_aruser:55 drck:1 shift:1 tdi:1 update:1 sel:1 tms:1 tck:1 runtest:1
reset:1 capture:1 bscanid_en:1 sh_cl_glcount0:64 sh_cl_glcount1:64 hbm_apb_preset_n_1:1 hbm_apb_preset_n_0:1
PCIE_EP_PERSTN:1 PCIE_EP_REF_CLK_P:1 PCIE_EP_REF_CLK_N:1 PCIE_EP_RXP:8 PCIE_EP_RXN:8
PCIE_RP_REF_CLK_P:1 PCIE_RP_REF_CLK_N:1 PCIE_RP_RXP:8 PCIE_RP_RXN:8
"""
_DDR = """
M_ACT_N:1 M_MA:18 M_BA:2 M_BG:2 M_CKE:2 M_ODT:2 M_CS_N:2 M_CLK_DN:2 M_CLK_DP:2 M_PAR:1 RST_DIMM_N:1
cl_sh_ddr_stat_ack:1 cl_sh_ddr_stat_rdata:32 cl_sh_ddr_stat_int:8
"""
_APB = "paddr:22 pprot:3 psel:1 penable:1 pwrite:1 pwdata:32 pstrb:4 pready:1 prdata:32 pslverr:1"
_OUTPUTS = f"""
cl_sh_flr_done:1 cl_sh_status0:32 cl_sh_status1:32 cl_sh_status2:32 cl_sh_id0:32 cl_sh_id1:32 cl_sh_status_vled:16
cl_sh_dma_wr_full:1 cl_sh_dma_rd_full:1 {_DDR} cl_sh_apppf_irq_req:16 tdo:1
{" ".join(part.replace(":", f"_{stack}:") for stack in (1, 0) for part in ("hbm_apb_" + p for p in _APB.split()))}
PCIE_EP_TXP:8 PCIE_EP_TXN:8 PCIE_RP_PERSTN:1 PCIE_RP_TXP:8 PCIE_RP_TXN:8
"""
_PCIM_TIED = "awid awaddr awlen awsize awuser awvalid wdata wstrb wlast wvalid bready"
_PCIM_TIED += " arid araddr arlen arsize aruser arvalid rready"

_BUILD = """#!/bin/sh
# What the HDK's script is called with, and the project that it makes.
set -e
test "$1" = --cl && test "$(basename "$CL_DIR")" = "$2" && CL=$2 && export CL
for script in build_all.tcl build_level_1_cl.tcl encrypt.tcl; do test -f "$script"; done
test -f ../constraints/small_shell_cl_pnr_user.xdc
exec tclsh "{recorder}" build_all.tcl > "{report}"
"""
_BUILD_ALL = """
set CL $::env(CL)
set HDK_SHELL_DIR $::env(HDK_SHELL_DIR)
set DEVICE_TYPE xcvu47p-fsvh2892-2-e
set constraints_dir [file join [file dirname [pwd]] constraints]
set src_post_enc_dir [file join [file dirname [pwd]] src_post_encryption]
set design_dir $::env(CL_DIR)/design
file mkdir $src_post_enc_dir
foreach f [glob -directory $HDK_SHELL_DIR/design/interfaces *.inc] {file copy -force $f $src_post_enc_dir/}
foreach f [glob -directory $design_dir *.{v,sv,vh}] {file copy -force $f $src_post_enc_dir/}
source synth_${CL}.tcl
"""
_HEADER = "create_project -in_memory -part $DEVICE_TYPE -force\n"
_FOOTER = "write_checkpoint -force $CL.post_synth.dcp\n"


def _split(text: str) -> list[tuple[str, int]]:
    return [(name, int(bits)) for name, _, bits in (part.partition(":") for part in text.split())]


def _bus(channels: dict[str, str], ours: str, theirs: str, master: bool) -> list[tuple[str, str, int]]:
    """Ports of a bus: direction, name, bits; `ours` and `theirs` are the prefixes of outputs and inputs."""
    ports = []
    for channel, signals in channels.items():
        out = master != (channel in ("b", "r"))
        side = ("output", ours) if out else ("input", theirs)
        back = ("input", theirs) if out else ("output", ours)
        ports += [(side[0], f"{side[1]}_{channel}{name}", bits) for name, bits in _split(signals)]
        ports.append((back[0], f"{back[1]}_{channel}ready", 1))
    return ports


def _ports() -> str:
    ports = [("input", *port) for port in _split(_INPUTS)] + [("output", *port) for port in _split(_OUTPUTS)]
    ports += _bus(_AXI, "cl_sh_pcim", "sh_cl_pcim", master=True)
    ports += _bus(_AXI, "cl_sh_dma_pcis", "sh_cl_dma_pcis", master=False)
    for name in ("ocl", "sda"):
        ports += _bus(_LITE, f"cl_{name}", f"{name}_cl", master=False)
    wires = [f"inout wire [{bits - 1}:0] {name}" for name, bits in _split("M_DQ:64 M_ECC:8 M_DQS_DP:18 M_DQS_DN:18")]
    return ",\n".join([*(f"{side} logic [{bits - 1}:0] {name}" for side, name, bits in ports), *wires]) + "\n"


def _zeros(names: list[str]) -> str:
    return "".join(f"assign {name} = '0;\n" for name in names)


def make_hdk(folder: Path) -> dict[str, str]:
    """Write it; the variables that `hdk_setup.sh` would set. The commands are in `folder`/report.txt after a build."""
    texts = {
        "shell/design/interfaces/cl_ports.vh": _ports(),
        "shell/design/interfaces/unused_pcim_template.inc": _zeros([f"cl_sh_pcim_{n}" for n in _PCIM_TIED.split()]),
        "shell/design/interfaces/unused_ddr_template.inc": _zeros([n for n, _ in _split(_DDR)])
        + "wire unused_ddr = rst_main_n_sync;\n",
        "shell/design/interfaces/unused_apppf_irq_template.inc": _zeros(["cl_sh_apppf_irq_req"]),
        "shell/build/scripts/aws_build_dcp_from_cl.py": _BUILD.format(recorder=RECORDER, report=folder / "report.txt"),
        "shell/build/scripts/build_all.tcl": _BUILD_ALL,
        "shell/build/scripts/build_level_1_cl.tcl": "",
        "shell/build/scripts/encrypt.tcl": "",
        "shell/build/scripts/synth_cl_header.tcl": _HEADER,
        "shell/build/scripts/synth_cl_footer.tcl": _FOOTER,
    }
    for name in ("cl_synth_user", "cl_timing_user", "small_shell_cl_pnr_user"):
        texts[f"hdk/cl/examples/CL_TEMPLATE/build/constraints/{name}.xdc"] = ""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "shell/build/scripts/aws_build_dcp_from_cl.py").chmod(0o755)
    return {"HDK_DIR": str(folder / "hdk"), "HDK_SHELL_DIR": str(folder / "shell")}
