"""The networks that are measured, with where they are from. Their weights are random, but seeded."""

from benchmarks.networks.big import BIG_NETWORKS, BigNetwork
from benchmarks.networks.catalogue import NETWORKS, Network

__all__ = ["BIG_NETWORKS", "NETWORKS", "BigNetwork", "Network"]
