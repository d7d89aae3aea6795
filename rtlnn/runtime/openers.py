"""Which function opens which back end: one line each."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from rtlnn.errors import InputError
from rtlnn.runtime.aws import open_aws
from rtlnn.runtime.backend import Backend
from rtlnn.runtime.pynq import open_pynq
from rtlnn.runtime.reference import open_reference
from rtlnn.runtime.serial import open_serial
from rtlnn.runtime.simulator import open_simulator
from rtlnn.runtime.xrt import open_xrt
from rtlnn.sim.build_folder import BuildFolder

__all__ = ["OPENERS", "open_backend"]

OPENERS: Mapping[str, Callable[..., Backend]] = {
    "aws": open_aws,
    "pynq": open_pynq,
    "reference": open_reference,
    "serial": open_serial,
    "simulator": open_simulator,
    "xrt": open_xrt,
}
"""Each takes the build folder, and its own options as keywords."""


def open_backend(name: str, folder: BuildFolder, options: Mapping[str, Any]) -> Backend:
    """Raises `InputError` for an unknown back end, and for options that it does not have or lacks."""
    if name not in OPENERS:
        raise InputError(f"unknown back end {name!r}; there are {', '.join(OPENERS)}")
    opener = OPENERS[name]
    _, *known = inspect.signature(opener).parameters.values()
    names = [parameter.name for parameter in known]
    for option in options:
        if option not in names:
            takes = f"takes {', '.join(names)}" if names else "takes none"
            raise InputError(f"the back end {name} has no option {option!r}; it {takes}")
    missing = [p.name for p in known if p.default is p.empty and p.name not in options]
    if missing:
        raise InputError(f"the back end {name} needs the option {', '.join(missing)}")
    return opener(folder, **options)
