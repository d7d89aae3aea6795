"""Fixtures for every test."""

import zlib

import numpy as np
import pytest


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers with a seed from the test's own name, printed so that a failure can be repeated anywhere."""
    seed = zlib.crc32(request.node.nodeid.encode())
    print(f"seed {seed} ({request.node.nodeid})")
    return np.random.default_rng(seed)
