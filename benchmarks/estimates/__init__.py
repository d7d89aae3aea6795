"""What layers are estimated to take, beside what Yosys counts, over a sampled grid of every kind of layer."""
