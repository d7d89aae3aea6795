"""A comparison with onnxruntime as a table."""

from rich.table import Table

from rtlnn.cli.console import print_lines, stdout
from rtlnn.comparing import Comparison, Difference

__all__ = ["print_comparison"]


def print_comparison(result: Comparison) -> None:
    """Print every layer alone and end to end, the outputs, and the first layer that diverges."""
    console = stdout()
    table = Table(title=f"{result.model} beside onnxruntime {result.runtime}", title_justify="left")
    for name in ("layer", "tensor"):
        table.add_column(name, overflow="fold")
    for name in ("differing, alone", "largest", "differing, end to end", "largest"):
        table.add_column(name, justify="right")
    for layer in result.layers:
        table.add_row(layer.layer, layer.tensor, *_cells(layer.alone), *_cells(layer.through))
    table.add_section()
    for name, difference in result.outputs:
        table.add_row("the model's output", name, "", "", *_cells(difference))
    console.print(table)
    print_lines(f"{result.frames:,} frames; {result.mode}")
    print_lines("alone: the layer is fed onnxruntime's own tensors; differences in steps of the integer values")
    for note in result.notes:
        console.print(f"NOTE: {note}", style="bold yellow", soft_wrap=True)
    first = result.first_diverging
    if result.equal:
        console.print("equal: no value differs", style="bold green")
    elif first is not None:
        console.print(f"the first layer that diverges: {first.layer} ({first.tensor})", style="bold red")
    else:
        console.print("every layer alone is equal; what differs is computed by the host", style="bold yellow")


def _cells(difference: Difference) -> tuple[str, str]:
    if not difference.differing:
        return f"0 of {difference.values:,}", ""
    return f"{difference.differing:,} of {difference.values:,} ({difference.fraction:.2e})", f"{difference.largest:g}"
