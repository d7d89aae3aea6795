"""The range of every weight and activation against its format."""

from rtlnn.profiling.profile import profile
from rtlnn.profiling.result import Profile, ValueKind, ValueProfile

__all__ = ["Profile", "ValueKind", "ValueProfile", "profile"]
