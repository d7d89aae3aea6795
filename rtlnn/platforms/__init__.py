"""Boards and chips: one YAML file each, and the shells that join a core to its host."""

from rtlnn.platforms.loader import list_platforms, load_platform
from rtlnn.platforms.spec import Arithmetic, MemoryBank, Platform, Region, Resources, Shell

__all__ = [
    "Arithmetic",
    "MemoryBank",
    "Platform",
    "Region",
    "Resources",
    "Shell",
    "list_platforms",
    "load_platform",
]
