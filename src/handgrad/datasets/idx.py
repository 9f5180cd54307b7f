"""IDX files, the format of MNIST: two zero bytes, a type, the number of axes, each axis's length, then the values.

The lengths are big-endian 32-bit integers. The values are unsigned bytes here (type 0x08). Files may be gzipped.
Source: http://yann.lecun.com/exdb/mnist
"""

import gzip
import math
import os
import zlib
from pathlib import Path

import numpy as np

from handgrad.arrays import Array
from handgrad.datasets.dataset import Dataset
from handgrad.rules import unknown

PREFIXES = {"train": "train", "test": "t10k"}
_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTES = 0x08


def mnist(path: str | os.PathLike[str] | None = None, part: str = "train") -> Dataset:
    """MNIST's handwritten digits, 28 x 28 pixels from 0 to 1: 60,000 rows to train on or 10,000 to test on.

    The IDX files are looked for in `path`, else in the folder that the environment variable HANDGRAD_DATA names, each
    time also in its sub-folder `mnist`. `mnist(part="test")` gives the other part, `mnist("some/folder")` reads there.

    >>> mnist("nowhere")
    Traceback (most recent call last):
        ...
    FileNotFoundError: path is 'nowhere', which is not a folder; expected one with MNIST's IDX files

    Raises
    ------
    FileNotFoundError
        There is no such folder, or it lacks a file.
    ValueError
        A file is not what it should be, or `part` is neither "train" nor "test".
    """
    argument, folder = "path", path
    if folder is None:
        argument, folder = "the environment variable HANDGRAD_DATA", os.environ.get("HANDGRAD_DATA")
    if not folder:
        raise FileNotFoundError("mnist needs its IDX files: pass path=, or set HANDGRAD_DATA to the folder with them")
    if not Path(folder).is_dir():
        raise FileNotFoundError(
            f"{argument} is {str(folder)!r}, which is not a folder; expected one with MNIST's IDX files"
        )
    inner = Path(folder) / "mnist"
    return from_idx(inner if inner.is_dir() else folder, part)


def from_idx(folder: str | os.PathLike[str], part: str = "train") -> Dataset:
    """Images and labels of one part ("train" or "test") of a folder of IDX files, named as MNIST's are.

    X (B, height · width) are pixels / 255. The classes are 0 to 9, or to the largest label if that is more.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     images, labels = Path(folder, "train-images-idx3-ubyte"), Path(folder, "train-labels-idx1-ubyte")
    ...     _ = images.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255]))
    ...     _ = labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]))
    ...     X, y = from_idx(folder)
    >>> X, y
    (array([[0., 1.]]), array([7]))

    Raises
    ------
    FileNotFoundError
        The folder lacks a file.
    ValueError
        A file is corrupt, truncated or of another kind, or images and labels differ in number.
    """
    if part not in PREFIXES:
        raise unknown("part", part, PREFIXES)
    images_file = _find(Path(folder), f"{PREFIXES[part]}-images", 3)
    labels_file = _find(Path(folder), f"{PREFIXES[part]}-labels", 1)
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)  # (B, height, width), (B,)
    if len(images) != len(labels):
        raise ValueError(f"{images_file} has {len(images)} images but {labels_file} has {len(labels)} labels")
    X = images.reshape(len(images), -1) / 255  # (B, height · width)
    classes = max(10, int(labels.max()) + 1)
    return Dataset(X, labels, pixel_names(*images.shape[1:]), "digit", tuple(str(each) for each in range(classes)))


def read_idx(path: str | os.PathLike[str], axes: int) -> Array:
    """The array of unsigned bytes with that many axes in an IDX file, gzipped or not.

    Raises
    ------
    ValueError
        The file is corrupt, truncated, too long, empty of values, or does not hold unsigned bytes with so many axes.
    """
    data = _unzipped(Path(path))
    magic, expected = data[:4], bytes([0, 0, _UNSIGNED_BYTES, axes])
    if magic != expected:
        raise ValueError(
            f"{path} begins with the bytes {magic.hex(' ') or '(none)'}; expected {expected.hex(' ')}, "
            f"the mark of an IDX file of unsigned bytes with {axes} axes"
        )
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(axes))
    if len(data) != start + math.prod(shape):
        raise ValueError(
            f"{path} has {len(data)} bytes but its header announces {start + math.prod(shape)} (shape {shape}); "
            "it is truncated or corrupt: fetch it again"
        )
    if 0 in shape:
        raise ValueError(f"{path} has shape {shape}, so it is empty; expected at least one value")
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def pixel_names(height: int, width: int) -> tuple[str, ...]:
    """Feature names for the pixels of an image, row by row.

    >>> pixel_names(1, 2)
    ('pixel_0_0', 'pixel_0_1')
    """
    return tuple(f"pixel_{row}_{column}" for row in range(height) for column in range(width))


def _find(folder: Path, stem: str, axes: int) -> Path:
    """The file of that stem: `train-images-idx3-ubyte`, or with a dot as some copies have it, gzipped or not."""
    names = [f"{stem}{mark}idx{axes}-ubyte{ending}" for mark in "-." for ending in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"the folder {folder} has no {names[0]} and no {names[1]}; expected MNIST's IDX files")


def _unzipped(path: Path) -> bytes:
    data = path.read_bytes()
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is a corrupt or truncated gzip file ({error}); fetch it again") from error
