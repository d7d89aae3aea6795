"""ONNX bytes become a graph: layout, dialects and versions of operators are dealt with here, and nowhere else."""

from rtlnn.frontend.importer import ImportedModel, import_model
from rtlnn.frontend.writer import write_model

__all__ = ["ImportedModel", "import_model", "write_model"]
