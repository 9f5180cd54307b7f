"""Networks that travel: to and from other libraries, with what the network computes unchanged.

What leaves goes by the formulas themselves: an activation, an output function, your own among them, is traced as the
compiled engine traces it, and written in the other language. Each library is imported when it is first needed.
"""

from handgrad.interchange.numpy_file import to_numpy
from handgrad.interchange.onnx_file import to_onnx
from handgrad.interchange.sklearn_in import from_sklearn
from handgrad.interchange.sklearn_out import to_sklearn
from handgrad.interchange.torch_in import from_torch
from handgrad.interchange.torch_out import to_torch

__all__ = ["from_sklearn", "from_torch", "to_numpy", "to_onnx", "to_sklearn", "to_torch"]
