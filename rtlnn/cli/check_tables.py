"""The result of a check as tables."""

from rich.table import Table

from rtlnn.checking import Check, Fate, NodeFate
from rtlnn.cli.console import print_lines, stdout

__all__ = ["print_check"]

_WORDS = {
    Fate.HOST: "host",
    Fate.LAYOUT: "nothing: how elements are read",
    Fate.CONSTANT: "nothing: a constant",
    Fate.UNUSED: "nothing: no output needs it",
    Fate.ACCEPTED: "can be imported",
}


def print_check(check: Check) -> None:
    """Print every node, every layer, the totals, and all that stands in the way."""
    console = stdout()
    table = Table("node", "operator", "becomes", title=f"{check.model}: nodes", title_justify="left")
    table.columns[0].overflow = table.columns[2].overflow = "fold"
    for node in check.nodes:
        style = "bold red" if node.fate is Fate.REFUSED else None
        table.add_row(node.name, node.operator, _becomes(node), style=style)
    console.print(table)
    if check.layers:
        console.print(_layers(check))
    for problem in check.problems:
        console.print(f"REFUSED: {problem}", style="bold red", soft_wrap=True)
    for note in check.notes:
        console.print(f"NOTE: {note}", style="bold yellow", soft_wrap=True)
    refused = len(check.refusals)
    if check.buildable:
        print_lines(f"all {len(check.nodes):,} nodes can be built; next: rtlnn estimate")
    elif refused:
        console.print(f"{refused:,} of {len(check.nodes):,} nodes are refused", style="bold red")


def _becomes(node: NodeFate) -> str:
    if node.fate is Fate.REFUSED:
        return f"REFUSED: {node.reason}; {node.advice}"
    if node.fate is Fate.LAYER:
        if node.layers == (node.name,):
            return "layer"
        return f"in layer {', '.join(node.layers)}"
    return _WORDS[node.fate]


def _layers(check: Check) -> Table:
    table = Table("layer", "operator", "output", title="layers", title_justify="left")
    table.columns[0].overflow = "fold"
    for name in ("multiplies", "weights", "weight bits", "input bits", "output bits"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in check.layers:
        bits = (layer.weight_bits, layer.input_bits, layer.output_bits)
        table.add_row(
            layer.name,
            layer.operator,
            "×".join(str(n) for n in layer.output),
            *(f"{n:,}" if n else "" for n in (layer.multiplies, layer.weights)),
            *(str(n) if n else "" for n in bits),
        )
    table.add_section()
    table.add_row("all", "", "", f"{check.multiplies:,}", f"{check.weights:,}", f"{check.weight_bits:,} in all")
    return table
