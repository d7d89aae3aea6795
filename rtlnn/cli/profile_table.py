"""A profile as a table."""

from rich.table import Table

from rtlnn.cli.console import print_lines, stdout
from rtlnn.comparing import LayerComparison
from rtlnn.profiling import Profile, ValueKind, ValueProfile

__all__ = ["print_profile"]


def print_profile(profile: Profile) -> None:
    """Print every value with its format, what was seen of it, and how far it is from float and onnxruntime."""
    console = stdout()
    table = Table(title=f"{profile.model}: {profile.frames:,} frames", title_justify="left")
    table.add_column("layer", overflow="fold")
    for name in ("value", "bits"):
        table.add_column(name, no_wrap=True)
    for name in ("format holds", "seen", "unused bits", "saturated", "dB to float", "differing from onnxruntime"):
        table.add_column(name, justify="right")
    compared = {c.layer: c for c in profile.comparison.layers} if profile.comparison else {}
    for value in profile.values:
        table.add_row(*_cells(value, compared.get(value.layer) if value.kind is ValueKind.ACTIVATION else None))
    console.print(table)
    for note in profile.notes:
        console.print(f"NOTE: {note}", style="bold yellow", soft_wrap=True)
    if profile.comparison is not None:
        first = profile.comparison.first_diverging
        if first is None:
            print_lines("no layer diverges from onnxruntime, each fed onnxruntime's own tensors")
        else:
            console.print(f"the first layer that diverges from onnxruntime: {first.layer}", style="bold red")
    print_lines(f"{profile.saturated:,} values are at an end of their format")


def _cells(value: ValueProfile, compared: LayerComparison | None) -> list[str]:
    alone = compared.alone if compared else None
    return [
        value.layer,
        value.kind.value,
        f"{'s' if value.signed else 'u'}{value.bits}",
        f"{value.least:.4g} .. {value.largest:.4g}",
        f"{value.seen_least:.4g} .. {value.seen_largest:.4g}",
        f"{value.unused_bits:.1f}",
        f"{value.saturated:,} of {value.values:,}" if value.saturated else "",
        "" if value.noise is None else f"{value.noise:.1f}",
        "" if alone is None else f"{alone.differing:,} of {alone.values:,}",
    ]
