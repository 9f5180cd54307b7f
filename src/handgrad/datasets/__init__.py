"""Data in: synthetic, bundled, MNIST, and your own tables, each as a Dataset that unpacks to X and y.

Nothing heavier than NumPy is imported until a dataset is asked for.
"""

from handgrad.datasets.bundled import breast_cancer, diabetes, digits, iris, wine
from handgrad.datasets.catalogue import NAMES, is_parquet, load
from handgrad.datasets.dataset import Dataset
from handgrad.datasets.idx import from_idx, mnist
from handgrad.datasets.inputs import INPUTS, plane_inputs
from handgrad.datasets.readers import read_rows
from handgrad.datasets.streams import Stream, stream
from handgrad.datasets.synthetic import circles, gaussians, moons, regression_curve, regression_plane, spirals, xor
from handgrad.datasets.tables import from_csv, from_npz, from_pandas, from_parquet

__all__ = [
    "INPUTS",
    "NAMES",
    "Dataset",
    "Stream",
    "breast_cancer",
    "circles",
    "diabetes",
    "digits",
    "from_csv",
    "from_idx",
    "from_npz",
    "from_pandas",
    "from_parquet",
    "gaussians",
    "iris",
    "is_parquet",
    "load",
    "mnist",
    "moons",
    "plane_inputs",
    "read_rows",
    "regression_curve",
    "regression_plane",
    "spirals",
    "stream",
    "wine",
    "xor",
]
