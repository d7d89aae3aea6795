"""Simulates the layers of a build one by one, in parallel worker processes, each fed with the reference's tensors.

For networks whose model as a whole is too large to compile, or too slow to run. Layers of equal configuration share one
compiled module. What joins layers (queues, forks, width converters) is not simulated; the schedule covers it.
"""

from rtlnn.sim.by_layer.result import LayerResult, LayersResult
from rtlnn.sim.by_layer.run import simulate_layers

__all__ = ["LayerResult", "LayersResult", "simulate_layers"]
