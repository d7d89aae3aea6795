"""The shell for Zynq chips: AXI DMA beside the processor system."""
