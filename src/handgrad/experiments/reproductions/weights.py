"""First weights that papers on signal propagation use, which are not in the catalogue of initialisers."""

import numpy as np

from handgrad.initializers import Initializer

mean_field = Initializer(
    "mean_field",
    lambda generator, shape, fan_in, fan_out, gain, sigma_w: (
        generator.standard_normal(shape) * sigma_w / np.sqrt(fan_in)
    ),
    doc="N(0, sigma_w² / fan_in), as in Poole et al. 2016.",
    bounds={"sigma_w": {"above": 0}},
    sigma_w=1.0,
)

usual_uniform = Initializer(
    "usual_uniform",
    lambda generator, shape, fan_in, fan_out, gain: (2 * generator.random(shape) - 1) / np.sqrt(fan_in),
    doc="U(-1 / √fan_in, 1 / √fan_in), Var[w] = 1 / (3 fan_in): eq. 1 of Glorot & Bengio 2010.",
)
