"""`StackedSearchCV`: a grid search whose candidates train side by side."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pickle import PicklingError
from time import perf_counter
from typing import Any, NamedTuple, Self

import joblib
import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid, check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable
from sklearn.utils._indexing import _safe_indexing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from handgrad.arrays import Array
from handgrad.estimators.fitting import fit_together
from handgrad.estimators.mlp import MLP


def _best_has(name: str) -> Any:
    def has(search: "StackedSearchCV") -> bool:
        return hasattr(getattr(search, "best_estimator_", search.estimator), name)

    return available_if(has)


@dataclass(eq=False, repr=False)
class StackedSearchCV(MetaEstimatorMixin, BaseEstimator):
    """scikit-learn's `GridSearchCV` for handgrad's estimators: the same results, with candidates trained as stacks.

    On each fold all candidates that differ only in numbers and seeds (`fit_stacked` says which) train as one stack;
    each gets the very weights that it would get alone. What precedes the network in a pipeline is fitted once for each
    fold and setting of its own.

    Parameters
    ----------
    estimator
        An `MLPClassifier` or `MLPRegressor` of handgrad, or a `Pipeline` that ends in one.
    param_grid
        A dict from parameters to lists of values, or a list of such; `random_state` makes a search over seeds.
    scoring, cv, error_score
        As for `GridSearchCV`: one scorer or its name; a splitter or a number of folds; the score of a candidate that
        diverges or cannot be scored (nan, with a warning), or "raise".
    refit
        Whether to fit the best on all rows; or a function of `cv_results_` that gives the index of the best.

    Attributes
    ----------
    cv_results_, best_params_, best_score_, best_index_, best_estimator_, scorer_, n_splits_
        As for `GridSearchCV`. Fit times are a fold's time divided evenly among its candidates.

    Raises
    ------
    TypeError
        The estimator is another one.
    ValueError
        The grid or the data is not what it should be; a candidate diverged and `error_score` is "raise".

    >>> from handgrad.estimators import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(max_iter=1000, tol=1e-3, random_state=0)
    >>> search = StackedSearchCV(model, {"alpha": [1e-4, 1e-2], "learning_rate_init": [0.001, 0.01]}).fit(X, y)
    >>> bool(search.best_score_ > 0.95), sorted(search.best_params_)
    (True, ['alpha', 'learning_rate_init'])
    """

    estimator: Any
    param_grid: Any
    _: KW_ONLY
    scoring: Any = None
    cv: Any = None
    refit: bool = True
    error_score: Any = np.nan

    def fit(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> Self:
        """Search; X, y and groups as for `GridSearchCV`, `sample_weight` (n,) for training."""
        candidates = self._candidates()
        X, y, groups, sample_weight = indexable(X, y, groups, sample_weight)
        splits = list(check_cv(self.cv, y, classifier=is_classifier(self.estimator)).split(X, y, groups))
        self.scorer_, self.n_splits_ = check_scoring(self.estimator, self.scoring), len(splits)
        folds = [self._fold(candidates, X, y, sample_weight, *split) for split in splits]
        self.cv_results_ = _results(candidates, [np.array(each) for each in zip(*folds, strict=True)])
        self.best_index_ = self._best_of(self.cv_results_)
        self.best_params_ = candidates[self.best_index_]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        if self.refit:
            self.best_estimator_ = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
            self._fit_all([self.best_estimator_], [X, y, sample_weight], "raise")
        return self

    def _candidates(self) -> list[Mapping[str, Any]]:
        """The parameters of each candidate; what cannot be searched is refused before anything is fitted."""
        if not (callable(self.refit) or isinstance(self.refit, bool)):
            raise TypeError(f"refit is {self.refit!r}; expected True, False or a function of cv_results_")
        if self.scoring is not None and not (callable(self.scoring) or isinstance(self.scoring, str)):
            raise TypeError(f"scoring is {self.scoring!r}; expected one scorer or its name")
        if isinstance(self.error_score, str) and self.error_score != "raise":
            raise ValueError(f"error_score is {self.error_score!r}; expected 'raise' or a number")
        candidates = list(ParameterGrid(self.param_grid))
        if not candidates:
            raise ValueError(f"param_grid is {self.param_grid!r}, which has no candidate; expected at least one")
        for candidate in candidates:
            _require_ours(clone(self.estimator).set_params(**clone(candidate, safe=False)))
        return candidates

    def _best_of(self, results: dict[str, Any]) -> int:
        if callable(self.refit):
            return int(self.refit(results))
        if np.isnan(results["mean_test_score"]).all():
            raise ValueError("every candidate diverged on some fold; try smaller learning rates")
        return int(results["rank_test_score"].argmin())

    def _score(self, model: Any, inputs: Any, X: Any, y: Any) -> float:
        """The score of a fitted model on rows, which come as they are and as the network takes them."""
        try:
            return _last(model).quick_score(inputs, y) if self.scoring is None else self.scorer_(model, X, y)
        except ValueError as failure:
            if isinstance(self.error_score, str):
                raise
            warnings.warn(f"scoring failed, the score is {self.error_score}: {failure}", UserWarning, stacklevel=4)
            return float(self.error_score)

    def _fold(
        self, candidates: Sequence[Mapping[str, Any]], X: Any, y: Any, weight: Any, train: Array, test: Array
    ) -> tuple[Array, Array, Array]:
        """The candidates' scores on the test rows, and the times for fitting and scoring each."""
        start = perf_counter()
        models = [clone(self.estimator).set_params(**clone(each, safe=False)) for each in candidates]
        training = [None if each is None else _safe_indexing(each, train) for each in (X, y, weight)]
        fits = self._fit_all(models, training, self.error_score)
        fitted = perf_counter()
        X_test, y_test = _safe_indexing(X, test), _safe_indexing(y, test)
        scores = np.full(len(models), np.nan)
        for fit in fits:
            inputs = X_test if fit.before is None or self.scoring is not None else fit.before.transform(X_test)
            for number, failure in zip(fit.numbers, fit.failures, strict=True):
                if failure is None:
                    scores[number] = self._score(models[number], inputs, X_test, y_test)
                else:
                    scores[number] = self.error_score
        times = np.array([fitted - start, perf_counter() - fitted]) / len(models)
        return scores, np.full(len(models), times[0]), np.full(len(models), times[1])

    def _fit_all(self, models: Sequence[Any], training: Sequence[Any], error_score: Any) -> "list[_Fit]":
        """Fit them on X, y and weights, and warn of those that diverged, or raise."""
        fits = _fit_all(models, *training)
        told = [failure for fit in fits for failure in fit.failures if failure is not None]
        if told and isinstance(error_score, str):
            raise told[0]
        if told:
            message = f"{len(told)} of {len(models)} fits diverged; their score is {error_score}. The first: {told[0]}"
            warnings.warn(message, FitFailedWarning, stacklevel=4)
        return fits

    @_best_has("predict")
    def predict(self, X: Any) -> Array:
        """The best estimator's predictions."""
        return self._best().predict(X)

    @_best_has("predict_proba")
    def predict_proba(self, X: Any) -> Array:
        """The best estimator's probabilities."""
        return self._best().predict_proba(X)

    def score(self, X: Any, y: Any) -> float:
        """The best estimator's score, by `scoring`."""
        return float(self.scorer_(self._best(), X, y))

    def _best(self) -> Any:
        check_is_fitted(self)
        if not hasattr(self, "best_estimator_"):
            raise AttributeError("best_estimator_ is not there, for refit is False; search with refit=True")
        return self.best_estimator_

    @property
    def classes_(self) -> Array:
        """The class labels of the best estimator."""
        return self._best().classes_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = self.estimator.__sklearn_tags__()
        tags.estimator_type, tags.classifier_tags, tags.regressor_tags = (
            inner.estimator_type,
            inner.classifier_tags,
            inner.regressor_tags,
        )
        tags.input_tags, tags.target_tags = inner.input_tags, inner.target_tags
        return tags


class _Fit(NamedTuple):
    """Models that share what comes before the network, by their numbers, and how each failed, or None."""

    before: Pipeline | None
    numbers: list[int]
    failures: list[ValueError | None]


def _last(model: Any) -> Any:
    return model.steps[-1][1] if isinstance(model, Pipeline) else model


def _require_ours(estimator: Any) -> None:
    if not isinstance(_last(estimator), MLP):
        raise TypeError(
            f"estimator is {estimator!r}; expected handgrad's MLPClassifier or MLPRegressor, or a Pipeline that ends "
            "in one; for others there is sklearn.model_selection.GridSearchCV"
        )


def _fit_all(models: Sequence[Any], X: Any, y: Any, weight: Any) -> list[_Fit]:
    """Fit estimators or pipelines on the same rows: each different preprocessing once, then the networks together."""
    if not isinstance(models[0], Pipeline):
        return [_Fit(None, list(range(len(models))), fit_together(models, X, y, weight))]
    alike: dict[str, list[int]] = {}
    for number, model in enumerate(models):
        alike.setdefault(_recipe(model[:-1], number), []).append(number)
    fits = []
    for numbers in alike.values():
        before = models[numbers[0]][:-1]
        inputs = before.fit_transform(X, y) if len(before) else X
        for number in numbers:
            models[number].steps[:-1] = before.steps  # fitted already
        failures = fit_together([_last(models[number]) for number in numbers], inputs, y, weight)
        fits.append(_Fit(before if len(before) else None, numbers, failures))
    return fits


def _recipe(before: Pipeline, number: int) -> str:
    """What makes two unfitted pipelines do the same; what cannot be pickled is like nothing else."""
    try:
        return str(joblib.hash(before))
    except (PicklingError, AttributeError, TypeError):
        return f"model {number}"


def _results(candidates: Sequence[Mapping[str, Any]], measured: Sequence[Array]) -> dict[str, Any]:
    """`cv_results_` from scores, fit times and score times, each (folds, candidates)."""
    scores, fit_times, score_times = measured
    results: dict[str, Any] = {}
    for name, times in (("fit_time", fit_times), ("score_time", score_times)):
        results |= {f"mean_{name}": times.mean(axis=0), f"std_{name}": times.std(axis=0)}
    for parameter in sorted({name for each in candidates for name in each}):
        column = np.ma.MaskedArray(np.empty(len(candidates), dtype=object), mask=True)
        for number, each in enumerate(candidates):
            if parameter in each:
                column[number] = each[parameter]
        results[f"param_{parameter}"] = column
    results["params"] = list(candidates)
    results |= {f"split{fold}_test_score": values for fold, values in enumerate(scores)}
    mean = scores.mean(axis=0)
    results |= {"mean_test_score": mean, "std_test_score": scores.std(axis=0)}
    lowest_last = np.nan_to_num(-mean, nan=np.inf)
    results["rank_test_score"] = rankdata(lowest_last, method="min").astype(np.int32)
    return results
