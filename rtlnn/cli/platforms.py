"""List the platforms, or show one."""

from argparse import ArgumentParser, Namespace

from rich.table import Table

from rtlnn.cli.console import amount, print_lines, stdout
from rtlnn.platforms.loader import list_platforms, load_platform
from rtlnn.platforms.spec import Platform

EXAMPLES = """\
examples:
  rtlnn platforms
  rtlnn platforms show u200
  rtlnn platforms show my_board.yaml     # checks a file of your own
"""

AMOUNTS = ("lut", "ff", "dsp", "bram36", "uram")


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    show = actions.add_parser("show", help="everything that is known of a platform")
    show.add_argument("name", metavar="NAME", help="a platform's name, or the path of a platform file")
    parser.set_defaults(name=None)


def run(options: Namespace) -> int:
    if options.name is None:
        _list()
    else:
        _show(load_platform(options.name))
    return 0


def _list() -> None:
    table = Table("platform", "description", "shell", title="what a platform leaves to the user")
    for name in AMOUNTS:
        table.add_column(name.upper(), justify="right")
    for name in list_platforms():
        platform = load_platform(name)
        shell = platform.shell.kind if platform.shell else "none"
        table.add_row(name, platform.description, shell, *_amounts(platform.available))
    stdout().print(table)
    print_lines(
        "a shell joins the design to its host; without one, a build ends at its AXI4-Stream ports",
        "use one with --platform NAME; more of it: rtlnn platforms show NAME; a file of your own: --platform my.yaml",
    )


def _show(platform: Platform) -> None:
    shell = f"{platform.shell.kind}: {platform.shell.summary()}" if platform.shell else "none: a bare device"
    print_lines(
        f"{platform.name}: {platform.description}",
        f"part {platform.part}, {platform.clock_mhz:g} MHz, multipliers {platform.arithmetic.value}",
        f"shell: {shell}",
    )
    table = Table("region", *(name.upper() for name in AMOUNTS), title="left to the user")
    for region in platform.slrs:
        table.add_row(region.name, *_amounts(region.resources))
    table.add_row("all", *_amounts(platform.available))
    for column in table.columns[1:]:
        column.justify = "right"
    stdout().print(table)
    for bank in platform.memory:
        rate = f", {bank.gigabytes_per_second:g} GB/s" if bank.gigabytes_per_second else ""
        print_lines(f"memory {bank.name}: {bank.gibibytes:g} GiB{rate}, in {bank.slr}")
    print_lines(f"source: {platform.source}")


def _amounts(resources: object) -> list[str]:
    return [amount(getattr(resources, name)) for name in AMOUNTS]
