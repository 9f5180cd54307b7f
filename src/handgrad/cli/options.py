"""The options that commands share which train one network on a table."""

from typing import Annotated

import typer

TargetOption = Annotated[str | None, typer.Option("--target", help="Column of a table to predict.")]
HiddenOption = Annotated[str, typer.Option("--hidden", help="Units of the hidden layers; 'none' for none.")]
ActivationOption = Annotated[str, typer.Option("--activation", help="As handgrad.activations names it.")]
LossOption = Annotated[
    str | None,
    typer.Option(
        "--loss", help="Without it, softmax_cross_entropy for classes and mse for numbers.", show_default=False
    ),
]
InitOption = Annotated[str, typer.Option("--init", help="As handgrad.initializers names it.")]
OptimizerOption = Annotated[str, typer.Option("--optimizer", help="sgd, rmsprop, adagrad, adam, adamw or lbfgs.")]
LearningRateOption = Annotated[
    float | None, typer.Option("--learning-rate", help="Without it, the optimiser's own.", show_default=False)
]
EpochsOption = Annotated[int, typer.Option("--epochs", help="Times that the training rows are seen.")]
BatchSizeOption = Annotated[int, typer.Option("--batch-size", help="Rows of a step; 0: all of them.")]
L2Option = Annotated[float, typer.Option("--l2", help="Strength of the penalty on the weights.")]
DropoutOption = Annotated[float, typer.Option("--dropout", help="Share of the hidden units that is dropped.")]
NormOption = Annotated[str | None, typer.Option("--norm", help="batch or layer.", show_default=False)]
SeedOption = Annotated[int, typer.Option("--seed", help="Decides data, split, weights and the order of rows.")]
