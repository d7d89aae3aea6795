"""What a design is made for: what the user may ask for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

import onnx

from rtlnn.errors import InputError
from rtlnn.ir.types import Array
from rtlnn.mixed_precision import choose_bits
from rtlnn.ops import Precision
from rtlnn.passes.settings import Settings
from rtlnn.passes.softmax import SoftmaxPlace
from rtlnn.plan.dies import Dies
from rtlnn.plan.goal import DEFAULT_SHARE, Budget, Goal, Objective
from rtlnn.plan.streaming import ExternalMemory
from rtlnn.platforms.alveo.axi import WORD_BYTES
from rtlnn.platforms.alveo.units import unit_share
from rtlnn.platforms.shells import stream_rates
from rtlnn.platforms.spec import Platform
from rtlnn.precision import read_precision
from rtlnn.quantization import Calibration, CalibrationData, CalibrationMethod

__all__ = ["Options", "Progress"]

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a design is made for.

    Parameters
    ----------
    platform : name, or path of a platform file
    calibration : typical inputs for a float model
    input_shapes : for inputs with unknown dimensions
    precision : of the requantizations
    settings : bits and requantizations layer by layer, or a precision file that says them
    calibration_method : how the ranges of a float model's activations are taken from the data
    accuracy_drop, labels : choose the bits of a float classifier layer by layer, so that no more percent points of
        accuracy are lost on the calibration data, whose classes `labels` are
    softmax : where a Softmax is computed
    objective : what to optimize
    target_interval, target_fps : cycles a frame, or frames a second, to reach; at most one of them
    target_latency : cycles from a frame's first input to its last output, to reach
    max_dsp, max_lut, max_bram : budget (default: the utilization)
    utilization : part of what the platform leaves to the user that may be filled, above 0 and at most 1; the fuller,
        the harder it is to route
    plan : a plan file to follow, in place of a search
    stream : names of dense layers whose weights are to come from external memory, whether they fit on the chip or not
    batch : the most frames for which such weights may come once; then frames have to be sent in whole batches
    reloadable : names of layers whose weights may be replaced while the design runs; `all` for every layer
    compute_units : copies of the design on the card (default: what the platform says); targets and budget are for one
    """

    platform: str | Path = "u200"
    calibration: CalibrationData | None = None
    input_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    precision: Precision = Precision.EXACT
    settings: Settings | Path | str | None = None
    calibration_method: CalibrationMethod = CalibrationMethod.MIN_MAX
    accuracy_drop: float | None = None
    labels: Path | str | Array | None = None
    softmax: SoftmaxPlace = SoftmaxPlace.HOST
    objective: Objective = Objective.THROUGHPUT
    target_interval: int | None = None
    target_fps: float | None = None
    target_latency: int | None = None
    max_dsp: int | None = None
    max_lut: int | None = None
    max_bram: float | None = None
    utilization: float = DEFAULT_SHARE
    plan: Path | None = None
    stream: tuple[str, ...] = ()
    batch: int = 1
    reloadable: tuple[str, ...] = ()
    compute_units: int | None = None

    def layer_settings(
        self, model: Path | str | onnx.ModelProto, progress: Progress
    ) -> tuple[Settings | None, tuple[str, ...]]:
        """Bits and requantizations layer by layer, and notes on them. Raises `InputError`."""
        given = self.settings
        if self.accuracy_drop is None:
            if self.labels is not None:
                raise InputError("labels are for choosing bits: give an accuracy drop, too")
            return given if given is None or isinstance(given, Settings) else read_precision(given), ()
        if given is not None:
            raise InputError("give precision settings, or an accuracy drop to choose them by, not both")
        if self.labels is None or self.calibration is None or isinstance(self.calibration, Calibration):
            raise InputError("choosing bits by accuracy needs labelled data: give calibration data and labels for them")
        chosen = choose_bits(
            model,
            self.calibration,
            self.labels,
            self.accuracy_drop,
            self.input_shapes,
            self.calibration_method,
            progress,
        )
        return chosen.settings, (chosen.note,)

    @property
    def asks_nothing(self) -> bool:
        """Whether speed and size are left open."""
        targets = self.target_interval, self.target_fps, self.target_latency
        asked = *targets, self.max_dsp, self.max_lut, self.max_bram, self.plan
        return self.objective is Objective.THROUGHPUT and all(value is None for value in asked)

    def goal(self, platform: Platform) -> Goal:
        """Raises `InputError` for contradictory or impossible targets."""
        if self.target_fps is None:
            return Goal(self.objective, self.target_interval, self.target_latency)
        if self.target_interval is not None:
            raise InputError("give a target interval or a target frame rate, not both")
        if self.target_fps <= 0:
            raise InputError(f"the target frame rate must be positive, not {self.target_fps}")
        interval = int(platform.clock_mhz * 1e6 / self.target_fps)
        if interval < 1:
            raise InputError(
                f"{self.target_fps:,.0f} frames a second cannot be reached at {platform.clock_mhz:g} MHz: not even one "
                f"frame a cycle, {platform.clock_mhz * 1e6:,.0f} a second, is that many"
            )
        return Goal(self.objective, interval, self.target_latency)

    def memory(self, platform: Platform) -> ExternalMemory | None:
        """Where weights may be streamed from. Raises `InputError` if they shall be, and there is no such memory."""
        if self.batch < 1:
            raise InputError(f"a batch has at least one frame, not {self.batch}")
        if channels := stream_rates(platform):
            return ExternalMemory(channels, self.batch, self.stream, inf if platform.shell is None else WORD_BYTES)
        if self.stream or self.batch > 1:
            why = "its shell does not read weights for every frame" if platform.shell else "no memory bank with a rate"
            raise InputError(
                f"weights cannot be streamed on platform {platform.name}: {why}; choose a Vitis card such as u200, or "
                "a platform without a shell whose file lists `memory` with `gigabytes_per_second`, such as vu9p"
            )
        return None

    def budget(self, platform: Platform) -> Budget:
        free = unit_share(platform)
        for name, value in (("max-dsp", self.max_dsp), ("max-lut", self.max_lut), ("max-bram", self.max_bram)):
            if value is not None and value < 0:
                raise InputError(f"--{name} must not be negative")
        if not 0 < self.utilization <= 1:
            raise InputError(f"the utilization must be above 0 and at most 1, not {self.utilization:g}")

        def limit(given: float | None, available: float) -> float:
            return self.utilization * available if given is None else min(given, available)

        return Budget(
            limit(self.max_lut, free.lut),
            limit(None, free.ff),
            limit(self.max_dsp, free.dsp),
            limit(self.max_bram, free.bram36),
            limit(None, free.uram),
        )

    def dies(self, platform: Platform) -> Dies | None:
        """The dies of a chip that has several, for one design; each may be as full as the chip."""
        if len(platform.slrs) == 1 or unit_share(platform) != platform.available:
            return None
        regions = {region.name: region.resources for region in platform.slrs}
        return Dies.of(regions, self.budget(platform), self.utilization)
