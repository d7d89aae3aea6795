"""Where elements lie: values brought into the order that an operation needs.

A view is an array of places, so rearranging is free until an operation needs its data in a certain order. Only then a
`Rearrange` is made, and only if the data do not lie so already.
"""

import numpy as np

from rtlnn.frontend.builder import GraphBuilder
from rtlnn.frontend.tensors import View
from rtlnn.ir.types import Array
from rtlnn.ops import Rearrange

__all__ = ["Arranger"]


def _tables(places: Array) -> tuple[Array, Array, Array] | None:
    """Tables whose sums are `places` (H, W, C), -1 where one of them is -1; None if there are no such tables."""
    filled = places < 0
    outside = [filled.all(axis=axes) for axes in ((1, 2), (0, 2), (0, 1))]
    kept = [np.flatnonzero(~o) for o in outside]
    if any(len(k) == 0 for k in kept):
        rows, columns, channels = (np.full(n, -1, dtype=np.int64) for n in places.shape)
        return rows, columns, channels
    inner = places[np.ix_(*kept)]
    if (inner < 0).any():
        return None
    parts = (inner[:, 0, 0], inner[0, :, 0] - inner[0, 0, 0], inner[0, 0, :] - inner[0, 0, 0])
    least = [int(p.min()) for p in parts]
    # entries are not negative: what columns and channels lack, rows give
    parts = (parts[0] + least[1] + least[2], parts[1] - least[1], parts[2] - least[2])
    if parts[0].min() < 0 or (parts[0][:, None, None] + parts[1][:, None] + parts[2] != inner).any():
        return None
    result = []
    for size, where, part in zip(places.shape, kept, parts, strict=True):
        table = np.full(size, -1, dtype=np.int64)
        table[where] = part
        result.append(table)
    return result[0], result[1], result[2]


class Arranger:
    """Makes rearrangements, each only once.

    Parameters
    ----------
    builder : the graph so far

    Attributes
    ----------
    made : how many there are
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self._builder = builder
        self._known: dict[tuple[str, bytes, tuple[int, ...], float], str] = {}
        self.made = 0

    def whole(self, view: View) -> bool:
        """Whether the view has every element of its value, once."""
        size = self._builder.types[view.value].size
        if view.index.size != size:
            return False
        seen = np.zeros(size + 1, dtype=bool)
        seen[view.index.ravel()] = True  # -1 marks the last one
        return bool(seen[:-1].all())

    def arranged(self, view: View, places: Array) -> str:
        """The value whose element (y, x, c) is element places[y, x, c] of the view's value."""
        shape = (places.shape[0], places.shape[1], places.shape[2])
        size = self._builder.types[view.value].size
        if np.array_equal(places.ravel(), np.arange(size)):
            return self._builder.reshaped(view.value, shape)
        key = (view.value, places.tobytes(), shape, view.fill)
        if key not in self._known:
            self._known[key] = self._rearranged(view, places, shape)
        return self._known[key]

    def _rearranged(self, view: View, places: Array, shape: tuple[int, int, int]) -> str:
        self.made += 1
        tables = _tables(places)
        if tables is None:
            # any order at all can be told for channels alone
            zero = np.zeros(1, dtype=np.int64)
            tables = (zero, zero, places.ravel())
        integer = self._builder.types[view.value].format is not None
        fill = int(view.fill) if integer else float(view.fill)
        rows, columns, channels = (tuple(int(n) for n in t) for t in tables)
        op = Rearrange(rows, columns, channels, fill if (places < 0).any() else 0)
        name = self._builder.node_name(f"{view.value}.rearrange")
        made = self._builder.add(name, op, (view.value,), f"{view.value}.rearranged")
        return self._builder.reshaped(made, shape)

    def settled(self, view: View) -> View:
        """The same tensor as a view of a value that has its elements and no others.

        Images (1, C, H, W) and (1, C, L) become (H, W, C), other tensors (1, 1, elements).
        """
        if self.whole(view):
            return view
        if len(view.shape) in (3, 4) and view.shape[0] == 1:
            places = np.moveaxis(view.index, 1, -1).reshape((*(1, *view.shape[2:])[-2:], view.shape[1]))
            order = np.moveaxis(np.arange(view.index.size).reshape((1, *view.shape[2:], view.shape[1])), -1, 1)
        else:
            places = view.index.reshape(1, 1, -1)
            order = np.arange(view.index.size).reshape(view.shape)
        return View(self.arranged(view, places), order, view.tainted)

    def like(self, view: View, model: View) -> str:
        """The value that has the elements of `view` where the value of `model` has those of `model`.

        `model` is whole, and both have the same shape.
        """
        places = np.empty(model.index.size, dtype=np.int64)
        places[model.index.ravel()] = view.index.ravel()
        return self.arranged(view, places.reshape(self._builder.types[model.value].shape))
