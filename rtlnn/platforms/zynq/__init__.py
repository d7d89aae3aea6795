"""A Zynq shell."""
