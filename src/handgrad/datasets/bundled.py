"""Real datasets that come with scikit-learn, so that nothing needs to be downloaded."""

from typing import Any

from handgrad.datasets.dataset import Dataset
from handgrad.datasets.idx import pixel_names


def digits() -> Dataset:
    """1,797 handwritten digits of 8 x 8 pixels, from 0 to 1; ten classes.

    >>> digits()
    Dataset(1797 rows, 64 features, digit: 10 classes)
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    names = tuple(str(each) for each in bunch.target_names)
    return Dataset(bunch.data / 16, bunch.target, pixel_names(8, 8), "digit", names)


def iris() -> Dataset:
    """150 irises of three species, by the length and width of sepal and petal in cm.

    >>> iris().class_names
    ('setosa', 'versicolor', 'virginica')
    """
    from sklearn.datasets import load_iris

    return _classes(load_iris(), "species")


def wine() -> Dataset:
    """178 wines of three cultivars, by 13 chemical measurements.

    >>> wine()
    Dataset(178 rows, 13 features, cultivar: 3 classes)
    """
    from sklearn.datasets import load_wine

    return _classes(load_wine(), "cultivar")


def breast_cancer() -> Dataset:
    """569 tumours, malignant or benign, by 30 measurements of their cell nuclei.

    >>> breast_cancer().class_names
    ('malignant', 'benign')
    """
    from sklearn.datasets import load_breast_cancer

    return _classes(load_breast_cancer(), "diagnosis")


def diabetes() -> Dataset:
    """442 patients by ten measurements (centred and scaled already); the target is the disease's progress in a year.

    >>> diabetes()
    Dataset(442 rows, 10 features, progression: regression)
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes()
    return Dataset(bunch.data, bunch.target, tuple(bunch.feature_names), "progression")


def _classes(bunch: Any, target_name: str) -> Dataset:
    feature_names = tuple(str(each) for each in bunch.feature_names)
    return Dataset(
        bunch.data, bunch.target, feature_names, target_name, tuple(str(each) for each in bunch.target_names)
    )
