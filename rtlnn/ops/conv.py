"""Convolution and dense layers: exact sums of products."""

from dataclasses import dataclass

import numpy as np

from rtlnn.ir.op import Op
from rtlnn.ir.types import Array, Encoding, FixedFormat, TensorType
from rtlnn.ops.window import Window

__all__ = ["Conv2D", "Dense"]

_CHUNK_BYTES = 256 << 20


def _accumulator(x: TensorType, w: TensorType, terms: int, x_zero: int) -> FixedFormat | None:
    """The format that holds any sum, whatever the weights; ranges.py narrows it to the weights at hand."""
    if x.format is None or w.format is None:
        return None
    largest = max(abs(x.format.lo - x_zero), abs(x.format.hi - x_zero)) * max(-w.format.lo, w.format.hi) * terms
    bits = min(int(2 * largest).bit_length() + 1, 48)
    ws = w.format.scale
    xs = x.format.scale
    if isinstance(xs, tuple):
        raise ValueError("the input of a convolution or dense layer needs one scale for all channels")
    scale = tuple(xs * s for s in ws) if isinstance(ws, tuple) else xs * ws
    return FixedFormat(bits, Encoding.SIGNED, scale)


def _exact_type(x: Array, x_zero: int, w: Array) -> np.dtype[np.floating]:
    """The fastest real type in which every partial sum of w (O, ...) times integers x is an integer that it holds.

    float32 holds all integers up to 2**24, float64 up to 2**53; formats end at 48 bits. For reals it is float64.
    """
    if not np.issubdtype(x.dtype, np.integer) or not x.size:
        return np.dtype(np.float64)
    reach = max(abs(int(x.min()) - x_zero), abs(int(x.max()) - x_zero))
    most = int(np.abs(w.reshape(len(w), -1)).sum(axis=1).max())
    return np.dtype(np.float32 if max(reach, 1) * max(most, 1) <= 1 << 24 else np.float64)


def _check_bias(bias: tuple[TensorType, ...], channels: int) -> None:
    if len(bias) > 1 or (bias and bias[0].shape != (channels,)):
        raise ValueError(f"the bias has shape {[b.shape for b in bias]}, {channels} channels need ({channels},)")


@dataclass(frozen=True)
class Conv2D(Op):
    """Inputs x (H, W, C), w (O, KH, KW, C / groups), and optionally a bias (O,): Σ w·(x - x_zero) + b.

    Padding adds 0 to the sum: its integer is `x_zero`. Group g of the output channels, O / groups of them, reads
    group g of the input channels; with as many groups as input channels the convolution is depthwise.
    `reloadable` weights and biases may be replaced in hardware: by any weights of their format.
    """

    window: Window
    x_zero: int = 0
    groups: int = 1
    reloadable: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        x, w, *bias = inputs
        o, kh, kw, c = w.shape
        if c * self.groups != x.shape[2]:
            raise ValueError(f"weights for {self.groups * c} channels meet an input of {x.shape[2]}")
        if o % self.groups:
            raise ValueError(f"{o} output channels do not make {self.groups} groups")
        if (kh, kw) != self.window.kernel:
            raise ValueError(f"weights of {kh}x{kw} meet a window of {self.window.kernel}")
        _check_bias(tuple(bias), o)
        return TensorType((*self.window.output_size(x.shape[:2]), o), _accumulator(x, w, kh * kw * c, self.x_zero))

    def evaluate(self, *inputs: Array) -> Array:
        x, w, *bias = inputs
        integer = np.issubdtype(x.dtype, np.integer)
        n, outputs = len(x), len(w)
        kind = _exact_type(x, self.x_zero, w)
        oh, ow = self.window.output_size(x.shape[1:3])
        out = np.empty((n, oh, ow, outputs), dtype=np.int64 if integer else np.float64)
        weights = w.astype(kind)
        step = max(1, _CHUNK_BYTES // (oh * ow * w.shape[1] * w.shape[2] * x.shape[3] * kind.itemsize))
        for i in range(0, n, step):
            part = x[i : i + step].astype(kind)
            if self.x_zero:
                part -= self.x_zero
            out[i : i + step] = self._tap_by_tap(part, weights) if w.shape[3] == 1 else self._products(part, weights)
        if bias:
            out += bias[0].astype(out.dtype)
        return out

    def _products(self, x: Array, w: Array) -> Array:
        """Sums of real x [N, H, W, C], by matrix products."""
        outputs, kh, kw, part = w.shape
        # (groups, taps x channels of a group, outputs of a group)
        matrices = w.reshape(self.groups, outputs // self.groups, -1).transpose(0, 2, 1)
        windows = self.window.view(x, 0.0)
        if self.groups == 1:
            sums = windows.reshape(-1, kh * kw * part) @ matrices[0]
        else:
            patches = windows.reshape(-1, kh * kw, self.groups, part)
            rows = patches.transpose(2, 0, 1, 3).reshape(self.groups, -1, kh * kw * part)
            sums = (rows @ matrices).transpose(1, 0, 2)
        return sums.reshape(*windows.shape[:3], outputs)

    def _tap_by_tap(self, x: Array, w: Array) -> Array:
        """The same where groups are single channels: matrices would be too small to be fast."""
        outputs = len(w)
        # (taps, groups, outputs of a group)
        factors = w.reshape(self.groups, outputs // self.groups, -1).transpose(2, 0, 1)
        sums: Array | None = None
        for tap, factor in zip(self.window.taps(x, 0.0), factors, strict=True):
            products = tap[..., np.newaxis] * factor
            sums = products if sums is None else np.add(sums, products, out=sums)
        assert sums is not None  # a window has at least one tap
        return sums.reshape(*sums.shape[:3], outputs)


@dataclass(frozen=True)
class Dense(Op):
    """Inputs x (1, 1, C), w (O, C), and optionally a bias (O,): Σ w·(x - x_zero) + b.

    `reloadable` weights and biases may be replaced in hardware: by any weights of their format.
    """

    x_zero: int = 0
    reloadable: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        x, w, *bias = inputs
        o, c = w.shape
        if x.shape != (1, 1, c):
            raise ValueError(f"weights for {c} inputs meet a tensor of shape {x.shape}")
        _check_bias(tuple(bias), o)
        return TensorType((1, 1, o), _accumulator(x, w, c, self.x_zero))

    def evaluate(self, *inputs: Array) -> Array:
        x, w, *bias = inputs
        integer = np.issubdtype(x.dtype, np.integer)
        kind = _exact_type(x, self.x_zero, w)
        out = (x.astype(kind) - kind.type(self.x_zero)) @ w.T.astype(kind)
        out = out.astype(np.int64 if integer else np.float64)
        return out + bias[0].astype(out.dtype) if bias else out
