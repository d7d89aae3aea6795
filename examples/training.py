"""What the training scripts share: a seeded training loop, image augmentation, and the checked export."""

import argparse
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from examples.accuracy import Predict, accuracy, onnxruntime_predict
from examples.datasets import Dataset, Split
from examples.onnx_export import export
from rtlnn.errors import CheckFailed, RtlnnError

__all__ = ["Recipe", "Script", "predictor", "publish", "run", "seed", "train"]


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: AdamW under a one-cycle learning rate, cross-entropy with smoothed labels."""

    epochs: int
    batch: int = 128
    learning_rate: float = 2e-3
    """The highest of the cycle."""
    weight_decay: float = 1e-2
    """Of the decoupled kind; keeps the weights of a channel alike in size, which 8 bits reward."""
    smoothing: float = 0.05
    shift: int = 0
    """Each training image moves by up to so many pixels in each direction, zeros coming in."""


def seed(value: int) -> None:
    """Make what follows repeatable: same machine and same torch, same weights.

    One thread, since the order of a sum (and so its rounding) follows the number of threads.
    """
    torch.manual_seed(value)
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)


def train(network: nn.Module, split: Split, recipe: Recipe) -> None:
    """Train `network` on `split`, in place, printing one line an epoch."""
    images, labels = torch.from_numpy(split.images), torch.from_numpy(split.labels)
    steps = -(-len(images) // recipe.batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, recipe.epochs * steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.smoothing)
    begin = monotonic()
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        total = 0.0
        for chosen in torch.split(torch.randperm(len(images)), recipe.batch):
            loss = loss_of(network(_augment(images[chosen].float(), recipe)), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        print(
            f"epoch {epoch:2}/{recipe.epochs}  loss {total / len(images):.4f}  {monotonic() - begin:.0f} s", flush=True
        )
    network.eval()


def _augment(images: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    if not recipe.shift:
        return images
    count, _, height, width = images.shape
    padded = nn.functional.pad(images, [recipe.shift] * 4)
    top, left = torch.randint(0, 2 * recipe.shift + 1, (2, count))
    rows = (top[:, None] + torch.arange(height))[:, None, :, None]
    columns = (left[:, None] + torch.arange(width))[:, None, None, :]
    return padded[torch.arange(count)[:, None, None, None], 0, rows, columns]


def predictor(network: nn.Module) -> Predict:
    """The network as torch computes it."""

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            result: NDArray[np.float32] = network(torch.from_numpy(images)).numpy()
        return result

    return predict


def publish(network: nn.Sequential, test: Split, path: Path, *, softmax: bool, description: str) -> None:
    """Write the trained network to `path`, behind a Softmax if asked for, and print its accuracy on the full test set.

    Raises CheckFailed if onnxruntime's result differs from torch's by more than float32 rounding, or in accuracy.
    """
    network.eval()
    if softmax:
        network = nn.Sequential(OrderedDict([*network.named_children(), ("softmax", nn.Softmax(dim=1))])).eval()
    output = "probabilities" if softmax else "logits"
    _, *shape = test.images.shape
    export(network, (shape[0], shape[1], shape[2]), path, output=output, description=description)
    of_torch, of_onnx = predictor(network), onnxruntime_predict(path)
    some = test.images[:200].astype(np.float32)
    worst = float(np.abs(of_torch(some) - of_onnx(some)).max())
    scores = [accuracy(predict, test.images, test.labels) for predict in (of_torch, of_onnx)]
    print(
        f"{path}: test accuracy {100 * scores[0]:.2f} % of {len(test.images):,} images, onnxruntime within {worst:.1e}"
    )
    if worst > 1e-3 or scores[0] != scores[1]:
        raise CheckFailed(f"{path}: onnxruntime differs: by {worst:.1e}, accuracy {100 * scores[1]:.2f} %")


@dataclass(frozen=True)
class Script:
    """A training script: what it says of itself, its data, and what it does with them."""

    description: str
    load: Callable[[Path | None], Dataset]
    body: Callable[[Dataset, Path], None]
    """Takes the data and the folder to write to."""


def run(script: Script, own_folder: Path, arguments: Sequence[str] | None = None) -> int:
    """The command line of a training script; 0, or a user error's exit code."""
    parser = argparse.ArgumentParser(description=script.description)
    parser.add_argument("--data", type=Path, help="folder with the data set's files (the digits need none)")
    parser.add_argument("--output", type=Path, default=own_folder, help="folder to write to; default: the script's own")
    options = parser.parse_args(arguments)
    try:
        dataset = script.load(options.data)
        options.output.mkdir(parents=True, exist_ok=True)
        script.body(dataset, options.output)
    except RtlnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0
