"""The shell for Vitis RTL kernels."""
