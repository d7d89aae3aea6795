"""A network embedded in a larger design: a camera, a crop, the network, a register that a processor reads."""
