"""The shell for AWS F2 instances: the Vitis kernel beside memory on the chip that the host writes and reads."""
