"""Which memories hold an array's weights, so that few block RAMs or UltraRAMs stay half empty."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from amaranth.hdl import Cat, Module, Value

from rtlnn.layers.component import Resources
from rtlnn.layers.counter import counter_bits
from rtlnn.layers.memory_kind import MemoryKind
from rtlnn.layers.pipeline import SHIFTED, delayed
from rtlnn.layers.rom import URAM_WIDTH, WIDTHS, rom_resources

__all__ = ["WeightLayout"]

_LUTS_A_BLOCK = {MemoryKind.BRAM: 100, MemoryKind.URAM: 300}
"""What a block RAM may cost to save: far less than its share of a device, some hundred LUTs; or an UltraRAM."""
_WIDTHS = {MemoryKind.BRAM: WIDTHS, MemoryKind.URAM: (URAM_WIDTH,)}


@dataclass(frozen=True)
class WeightLayout:
    """Each slice of an array's weights in a memory of its own, and what does not fill its blocks in a shared one.

    A slice that is narrower than a block may be there as a whole.

    A slice's address comes as late as the slice. The shared memory is read with the first slice's address, and what it
    holds of a slice is delayed instead, by a shift register LUT a bit.

    Parameters
    ----------
    depth : words
    slices : bits of each slice's words, in the order of their delays 0, 1, 2...
    rests : how many of them, the upper ones or all, are in the shared memory
    kind : what all memories are made of
    """

    depth: int
    slices: tuple[int, ...]
    rests: tuple[int, ...]
    kind: MemoryKind

    @classmethod
    @lru_cache(maxsize=4096)
    def best(cls, depth: int, slices: tuple[int, ...], kind: MemoryKind | None = None) -> "WeightLayout":
        """The layout with the fewest blocks, as far as they are worth their LUTs, in `kind` or that for `depth`."""
        kind = kind or MemoryKind.of(depth)
        alone = cls(depth, slices, (0,) * len(slices), kind)
        if kind is MemoryKind.LUTRAM or len(slices) < 2:
            return alone
        layouts = [alone]
        for width in _WIDTHS[kind]:
            rests = tuple(bits % width for bits in slices)
            # slices that are narrower than a block have one of their own, or are all in the shared memory
            above = tuple(rest if bits > width else 0 for rest, bits in zip(rests, slices, strict=True))
            for some in sorted({above, rests}):
                shared = cls(depth, slices, some, kind)
                if shared.resources.lut <= _LUTS_A_BLOCK[kind] * (alone.blocks - shared.blocks):
                    layouts.append(shared)
        return min(layouts, key=lambda layout: (layout.blocks, layout.resources.lut))

    @property
    def own(self) -> dict[int, str]:
        """The slices' own memories, by the slices' delays; slices that are wholly in the shared one have none."""
        if len(self.slices) == 1:
            return {0: "weight"}
        return {n: f"weight{n}" for n, bits in enumerate(self.slices) if bits > self.rests[n]}

    @property
    def shared(self) -> str | None:
        """The shared memory, if there is one."""
        return "weight_rest" if any(self.rests) else None

    @cached_property
    def memories(self) -> dict[str, int]:
        """Bits of a word of each memory, by name; the shared one is the last."""
        bits = {name: self.slices[n] - self.rests[n] for n, name in self.own.items()}
        return {**bits, self.shared: sum(self.rests)} if self.shared else bits

    @property
    def blocks(self) -> float:
        """RAMB36 blocks or UltraRAMs of all memories."""
        costs = [rom_resources(self.depth, bits, self.kind) for bits in self.memories.values()]
        return sum(cost.bram36 + cost.uram for cost in costs)

    @property
    def resources(self) -> Resources:
        """The delays: flip-flops up to two cycles, then shift register LUTs."""
        lut = sum(rest * -(-delay // 32) for delay, rest in enumerate(self.rests) if delay >= SHIFTED)
        return Resources(lut=lut, ff=sum(rest * delay for delay, rest in enumerate(self.rests[:SHIFTED])))

    @property
    def address_resources(self) -> Resources:
        """The delays of the address, a step for each slice up to the last one with a memory of its own."""
        return Resources(ff=max(self.own, default=0) * counter_bits(self.depth))

    def contents(self, words: Sequence[Sequence[int]]) -> dict[str, list[int]]:
        """The words of each memory, by name, for those of each slice."""
        result, rest, begin = {}, [0] * len(words[0]), 0
        for n, of_slice in enumerate(words):
            own = self.slices[n] - self.rests[n]
            if own:
                result[self.own[n]] = [word & ((1 << own) - 1) for word in of_slice]
            rest = [r | word >> own << begin for r, word in zip(rest, of_slice, strict=True)]
            begin += self.rests[n]
        return {**result, self.shared: rest} if self.shared else result

    def join(self, m: Module, data: Sequence[Value], name: str) -> list[Value]:
        """The slices, each at its own delay, from the data of `memories`; `name` begins the names of the delays."""
        own, found, begin = iter(data), [], 0
        for delay, rest in enumerate(self.rests):
            parts = [next(own)] if delay in self.own else []
            if rest:
                parts.append(delayed(m, data[-1][begin : begin + rest], delay, f"{name}_weight_rest{delay}"))
            found.append(Cat(*parts))
            begin += rest
        return found
