"""The result of a simulation as a table."""

from rich.table import Table

from rtlnn.cli.console import print_lines, stdout
from rtlnn.sim.by_layer.result import LayersResult
from rtlnn.sim.on_card import CardResult
from rtlnn.sim.result import Level, SimulationResult

__all__ = ["print_card", "print_layers", "print_result"]


def print_result(result: SimulationResult) -> None:
    """Print what was compared, what was found, and all that failed."""
    table = Table("check", "simulated", "expected", "", title=f"simulation, {result.level.value} level")
    table.title_justify = "left"
    for column in table.columns[1:3]:
        column.justify = "right"
    table.add_row("wrong output values", f"{result.mismatches:,}", "0", _mark(result.bit_exact))
    latency, planned = result.latency_cycles, result.planned_latency_cycles
    if result.level is Level.CORE:
        table.add_row("latency (cycles)", _cycles(latency), f"{planned:,}", _mark(latency == planned))
    interval, planned = result.interval_cycles, result.planned_interval_cycles
    if result.level in (Level.CORE, Level.KERNEL):
        table.add_row("interval (cycles)", _cycles(interval), f"{planned:,}", _interval_mark(interval, planned))
    console = stdout()
    console.print(table)
    print_lines(
        f"{result.frames:,} frames ({result.inputs})",
        f"{result.cycles:,} cycles at {result.cycles_per_second:,.0f} a second",
        f"{result.simulator}; built in {result.build_seconds:.1f} s, {result.seconds:.1f} s in all",
    )
    if result.waves:
        print_lines(f"signals: {result.waves} in the build folder")
    for failure in result.failures:
        console.print(f"FAILED: {failure}", style="bold red", soft_wrap=True)
    verdict = "passed: every output bit equals the reference" if result.passed else "FAILED"
    console.print(verdict, style="bold green" if result.passed else "bold red")


def print_layers(result: LayersResult) -> None:
    """Print a line for each layer, and all that failed."""
    table = Table(title="simulation, layer by layer", title_justify="left")
    for column in ("layer", "operators"):
        table.add_column(column)
    for column in ("wrong values", "interval", "expected", "cycles/s", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("")
    for layer in result.layers:
        table.add_row(
            layer.name,
            layer.op,
            f"{layer.mismatches:,}",
            _cycles(layer.interval),
            _cycles(layer.planned),
            f"{layer.cycles / max(layer.seconds, 1e-9):,.0f}",
            f"{layer.build_seconds + layer.seconds:.1f}",
            _mark(layer.passed),
        )
    console = stdout()
    console.print(table)
    frames = max((layer.frames for layer in result.layers), default=0)
    print_lines(
        f"{len(result.layers)} layers, {result.modules} different ones; {frames} frames ({result.inputs})",
        f"{result.cycles:,} cycles in {result.seconds:.1f} s by {result.workers} workers; {result.simulator}",
    )
    for layer in result.layers:
        for failure in layer.failures:
            console.print(f"FAILED: {layer.name}: {failure}", style="bold red", soft_wrap=True)
    verdict = "passed: every layer gives the reference's bits in the planned cycles" if result.passed else "FAILED"
    console.print(verdict, style="bold green" if result.passed else "bold red")


def print_card(result: CardResult) -> None:
    """Print what the host program's test said, and the rate of one unit and of all."""
    console = stdout()
    print_lines(*result.output.splitlines())
    if result.self_test:
        table = Table("compute units", "cycles a frame", "planned", title="simulated card", title_justify="left")
        for column in table.columns:
            column.justify = "right"
        table.add_row("1", f"{result.one:,.1f}", f"{result.planned_one:,.1f}")
        if result.units > 1:
            table.add_row(str(result.units), f"{result.all:,.1f}", f"{result.planned_all:,.1f}")
        console.print(table)
        if result.units > 1:
            print_lines(f"{result.units} units are {result.one / result.all:.2f} times as fast as one")
    print_lines(f"built in {result.build_seconds:.1f} s, {result.seconds:.1f} s in all")
    for failure in result.failures():
        console.print(f"FAILED: {failure}", style="bold red", soft_wrap=True)
    console.print("passed" if result.passed else "FAILED", style="bold green" if result.passed else "bold red")


def _cycles(cycles: int | None) -> str:
    return "not measured" if cycles is None else f"{cycles:,}"


def _interval_mark(measured: int | None, planned: int) -> str:
    return "too few frames" if measured is None else _mark(measured == planned)


def _mark(good: bool) -> str:
    return "ok" if good else "WRONG"
