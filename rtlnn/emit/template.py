"""Text templates of this package (`templates/`): `$name` is a value, `$$` a dollar sign."""

from collections.abc import Mapping
from importlib.resources import files
from string import Template

__all__ = ["fill"]


def fill(name: str, values: Mapping[str, object]) -> str:
    """The template `name` with its values. Raises `KeyError` for a value that is missing."""
    text = files("rtlnn.emit").joinpath("templates", name).read_text(encoding="utf-8")
    return Template(text).substitute(values)
