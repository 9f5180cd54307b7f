"""Other libraries' gradients, made ready for `check_gradient`; a library is imported when its adapter is called.

>>> report = check_gradient(*from_torch(module, torch.randn(4, 3)))  # doctest: +SKIP
"""

from handgrad.gradcheck.adapters.jax import from_jax
from handgrad.gradcheck.adapters.pytorch import from_torch

__all__ = ["from_jax", "from_torch"]
