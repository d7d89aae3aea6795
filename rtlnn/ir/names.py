"""Names that never repeat."""

from collections.abc import Iterable

__all__ = ["Names"]


class Names:
    """Hands out names that are unique: the wanted one, or with _2, _3... appended."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def __call__(self, wanted: str) -> str:
        name, i = wanted, 2
        while name in self._taken:
            name, i = f"{wanted}_{i}", i + 1
        self._taken.add(name)
        return name
