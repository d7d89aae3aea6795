"""Post-training quantization: a graph of real numbers gets Quantize and Dequantize nodes around its layers."""

from rtlnn.passes.quantize.calibrate import calibrate
from rtlnn.passes.quantize.insert import insert_quantization, point_bits
from rtlnn.passes.quantize.points import Point, quantization_points

__all__ = ["Point", "calibrate", "insert_quantization", "point_bits", "quantization_points"]
