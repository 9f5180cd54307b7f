"""scikit-learn's MLP estimators on handgrad's networks: the same parameters and attributes, and what they refused.

The estimators hold no mathematics: `settings` translates their parameters, and `hg.Training` does the rest.
"""

from handgrad.estimators.classifier import MLPClassifier
from handgrad.estimators.fitting import fit_stacked
from handgrad.estimators.regressor import MLPRegressor
from handgrad.estimators.search import StackedSearchCV

__all__ = ["MLPClassifier", "MLPRegressor", "StackedSearchCV", "fit_stacked"]
