"""What nobody reads is not computed, and everything else stays as it was."""

import numpy as np
import pytest

from rtlnn.ir.graph import Graph
from rtlnn.ops import AveragePool2D, Window
from rtlnn.passes.crop_unused import crop_unused
from rtlnn.passes.runner import run
from tests.integer_graphs import Builder

Rng = np.random.Generator
HALF = Window((2, 2), (2, 2))


def _cropped(builder: Builder) -> Graph:
    """The cropped graph, which computes the same."""
    graph = builder.graph()
    cropped = run(graph, (crop_unused,))
    frames = builder.frames(5)
    (result,) = graph.outputs
    np.testing.assert_array_equal(cropped.evaluate(frames)[result], graph.evaluate(frames)[result])
    assert cropped.types["x"] == graph.types["x"]
    assert {v: t.format for v, t in cropped.types.items()} == {v: t.format for v, t in graph.types.items()}
    again = crop_unused(cropped)
    assert (again.nodes, again.types) == (cropped.nodes, cropped.types)
    return cropped


def _sizes(graph: Graph) -> list[tuple[int, ...]]:
    return [graph.types[n.output].shape[:2] for n in graph.nodes]


def test_all_the_way_up(rng: Rng) -> None:
    """The convolutions of an SVHN network: 13x13 is pooled by 2, and so on upstream."""
    builder = Builder(rng, (32, 32, 1), 2)
    for _ in range(2):
        builder.conv(1, Window((3, 3))).requantize(2).max_pool(HALF)
    graph = _cropped(builder.conv(1, Window((3, 3))))
    sizes = [28, 28, 14, 12, 12, 6, 4]
    assert _sizes(graph) == [(n, n) for n in sizes]
    # the input stays: the first window leaves its end unread
    assert [n.op.window.pads for n in graph.nodes if hasattr(n.op, "window")] == [
        (0, 0, -2, -2), *[(0, 0, 0, 0)] * 4,
    ]  # fmt: skip


POINT = Window((1, 1))


def test_pads_at_the_end_shrink_before_the_image_does(rng: Rng) -> None:
    same = Window((3, 3), pads=(1, 1, 1, 1))
    graph = _cropped(Builder(rng, (5, 8, 2)).max_pool(POINT).conv(2, same).max_pool(Window((2, 2), (3, 2))))
    assert _sizes(graph) == [(5, 8), (5, 8), (2, 4)]
    graph = _cropped(Builder(rng, (5, 10, 2)).max_pool(POINT).conv(2, same).max_pool(Window((2, 2), (2, 3))))
    assert _sizes(graph) == [(5, 9), (4, 8), (2, 3)]
    assert [n.op.window.pads for n in graph.nodes] == [(0, 0, 0, -1), (1, 1, 0, 0), (0, 0, 0, 0)]  # type: ignore[attr-defined]


def test_windows_that_read_padding_alone_leave_a_pixel(rng: Rng) -> None:
    above = Window((1, 1), (4, 4), (2, 2, 0, 0))
    graph = _cropped(
        Builder(rng, (3, 3, 1))
        .max_pool(POINT)
        .requantize(4)
        .conv(1, above)
        .max_pool(Window((1, 1), (2, 2)))
        .requantize(4)
    )
    assert _sizes(graph) == [(1, 1)] * 5


def test_a_requantization_of_the_input_cannot_shrink(rng: Rng) -> None:
    graph = _cropped(Builder(rng, (5, 7, 1)).requantize(4).conv(1, Window((1, 2), (2, 3))))
    assert _sizes(graph) == [(5, 7), (3, 2)]
    assert graph.nodes[1].op.window.pads == (0, 0, 0, 0)  # type: ignore[attr-defined]
    graph = _cropped(Builder(rng, (5, 7, 1)).requantize(4).conv(1, POINT).max_pool(HALF))
    assert graph.nodes[1].op.window.pads == (0, 0, -1, -1)  # type: ignore[attr-defined]


def test_a_reshape_and_the_end_read_everything(rng: Rng) -> None:
    graph = _cropped(Builder(rng, (5, 5, 2)).conv(2, Window((1, 1))).flatten().dense(2))
    assert _sizes(graph) == [(5, 5), (1, 1), (1, 1)]
    graph = _cropped(Builder(rng, (5, 5, 2)).max_pool(HALF).requantize())
    assert _sizes(graph) == [(2, 2), (2, 2)]


@pytest.mark.parametrize(("pads", "include", "size"), [
    ((0, 0, 0, 0), False, 4),  # all averages are over 9 pixels
    ((1, 1, 0, 0), False, 4),  # over 4, 6, 9 pixels, also without the last ones
    ((0, 0, 1, 1), False, 5),  # only the last ones are over 4 and 6: the scale would change
    ((0, 0, 1, 1), True, 4),
])  # fmt: skip
def test_an_average_keeps_its_scale(pads: tuple[int, int, int, int], include: bool, size: int, rng: Rng) -> None:
    image = 7 - pads[0] - pads[2]
    builder = Builder(rng, (image, image, 2), 5, zero=3).average_pool(Window((3, 3), pads=pads), include)
    graph = _cropped(builder.requantize().max_pool(HALF))
    assert _sizes(graph) == [(size, size), (size, size), (2, 2)]


def _random_window(rng: Rng, height: int, width: int, whole: bool) -> Window:
    kernel = tuple(int(rng.integers(1, min(size, 4) + 1)) for size in (height, width))
    pads = tuple(int(rng.integers(0, kernel[n % 2] + whole)) for n in range(4))
    stride = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    # taps apart only as far as the image, or the padding that the window has beyond its kernel, has room for them
    room = [(size - 1) // max(k - 1, 1) for size, k in zip((height, width), kernel, strict=True)]
    dilation = (1, 1) if not whole else (max(1, min(room[0], 2)), max(1, min(room[1], 3)))
    return Window((kernel[0], kernel[1]), stride, (pads[0], pads[1], pads[2], pads[3]), dilation)


@pytest.mark.parametrize("number", range(40))
def test_random_chains(number: int, rng: Rng) -> None:
    """The same results; and but for the first one, whatever is left unread is one pixel, or made by an average."""
    builder = Builder(rng, (int(rng.integers(1, 20)), int(rng.integers(1, 20)), 2), 4, True, int(rng.integers(-8, 8)))
    for _ in range(int(rng.integers(2, 5))):
        height, width, _ = builder.types[builder.value].shape
        choice = rng.integers(3)
        window = _random_window(rng, height, width, whole=choice == 0)
        if choice == 0:
            builder.conv(2, window, 3)
        elif choice == 1:
            builder.max_pool(window)
        else:
            builder.average_pool(window, bool(rng.integers(2)))
        builder.requantize(4, True, int(rng.integers(-8, 8)))
    graph = _cropped(builder)
    for before, node in zip(graph.nodes[::2], graph.nodes[2::2], strict=False):
        window = node.op.window  # type: ignore[attr-defined]
        for size, pad in zip(graph.types[node.inputs[0]].shape, window.pads[2:], strict=False):
            assert pad >= 0 or size == 1 or isinstance(before.op, AveragePool2D)
