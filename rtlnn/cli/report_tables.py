"""The report of a design as tables."""

from typing import Any

from rich.table import Table

from rtlnn.cli.console import amount, print_lines, stdout

__all__ = ["print_report"]

Report = dict[str, Any]

NAMES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram36": "BRAM36", "uram": "URAM"}


def print_report(report: Report) -> None:
    """Print layers, totals, timing, the host's part and notes of a report (see `rtlnn.report`)."""
    console = stdout()
    console.print(_layers(report))
    console.print(_resources(report))
    print_lines(*_timing(report))
    for line in _host(report["host"]):
        print_lines(line)
    for note in report["notes"]:
        console.print(f"NOTE: {note}", style="bold yellow", soft_wrap=True)


def _layers(report: Report) -> Table:
    table = Table(title=f"{report['model']} on {report['platform']}", title_justify="left")
    for name in ("layer", "operator", "output"):
        table.add_column(name, overflow="fold")
    for name in ("PE×SIMD", "cycles", "MAC/cycle/DSP", "DSP", "BRAM36", "LUT"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("bound by", no_wrap=True)
    for layer in report["layers"]:
        table.add_row(
            layer["name"],
            layer["op"],
            "×".join(str(n) for n in layer["output_shape"]),
            f"{layer['pe']}×{layer['simd']}",
            f"{layer['cycles']:,}",
            f"{layer['macs_per_cycle_and_dsp']:.2f}" if layer["macs"] and layer["dsp"] else "",
            *(amount(layer[name]) for name in ("dsp", "bram36", "lut")),
            layer["bound"] + (" (limits)" if layer["limits"] else ""),
        )
    return table


def _resources(report: Report) -> Table:
    table = Table("estimate", *NAMES.values())
    for column in table.columns[1:]:
        column.justify = "right"
    used, available = report["resources"], report["available"]
    units = report["compute_units"]
    table.add_row("design" if units == 1 else f"{units} units", *(amount(used[name]) for name in NAMES))
    for die in report["dies"]:
        table.add_row(f"in {die['name']}", *(amount(die[name]) for name in NAMES))
    table.add_row("available", *(amount(available[name]) for name in NAMES))
    table.add_row("share", *(_share(used[name], available[name]) for name in NAMES))
    return table


def _share(used: float, available: float) -> str:
    return f"{100 * used / available:.1f} %" if available else "-"


def _timing(report: Report) -> list[str]:
    mhz, units = report["clock_mhz"], report["compute_units"]
    rate = f"{report['fps']:,.0f} frames/s" + (f" by {units} units" if units > 1 else "")
    lines = [
        f"latency   {report['latency_cycles']:,} cycles = {report['latency_us']:,.2f} µs at {mhz:g} MHz",
        f"interval  {report['interval_cycles']:,} cycles = {rate}",
    ]
    bound = report["bound"] or {}
    if shortest := bound.get("interval_cycles"):
        far = report["interval_cycles"] / shortest - 1
        lines.append(f"bound     interval at most {far:.1%} from the optimum: none below {shortest:,} cycles fits")
    if (excess := bound.get("excess")) is not None:
        best = "layers as fast as the latency asks for" if bound["paced"] else "that interval"
        lines.append(f"bound     size at most {excess:.1%} from the optimum for {best}")
    return lines


def _host(host: dict[str, list[dict[str, str]]]) -> list[str]:
    lines = []
    for part, place in (("head", "before"), ("tail", "after")):
        if nodes := host[part]:
            names = ", ".join(f"{node['op']} ({node['name']})" for node in nodes)
            lines.append(f"on the host, {place} the hardware: {names}")
    return lines
