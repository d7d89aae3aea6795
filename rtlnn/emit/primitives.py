"""Behavioural models of the vendor's primitives, put beside a build for its simulation."""

from importlib import resources

__all__ = ["simulation_models"]


def simulation_models(*names: str) -> dict[str, str]:
    """Files of a build's `sim/` folder: one model for each primitive, and the list of them.

    They are no part of `rtl/`: synthesis knows the primitives, and the vendor's own models can take their place.
    """
    folder = resources.files("rtlnn.sim") / "models"
    files = {f"sim/{name}.v": (folder / f"{name}.v").read_text() for name in names}
    return {**files, "sim/files.f": "".join(f"{name}.v\n" for name in names)}
