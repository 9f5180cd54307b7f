"""Theory: what closed forms predict of signals and learning, to be laid over what networks do.

Wide random networks, W_ij ~ N(0, sigma_w² / fan_in) and b_i ~ N(0, sigma_b²), are described by two numbers per layer:
the squared length q of a pre-activation (its variance) and the correlation c of two. `length_map` and
`correlation_map` follow them upwards, `fixed_point`, `correlation_fixed_point`, `depth_scale` and
`length_depth_scale` tell where and how fast they settle, `chi` and `critical_point` where order ends and chaos
begins. Every function takes any continuous activation: a name, or a record of your own. (Where f jumps, f' does not
tell it, and χ₁ and what follows from it do not hold.)
"""

from handgrad.theory.criticality import critical_line, critical_point
from handgrad.theory.fixed_points import chi, correlation_fixed_point, depth_scale, fixed_point, length_depth_scale
from handgrad.theory.linear import linear_learning_curve
from handgrad.theory.maps import correlation_map, length_map
from handgrad.theory.moments import gaussian_moments
from handgrad.theory.relu import born_dead_probability, dead_input_probability, length_fluctuation
from handgrad.theory.selu import SeluFixedPoint, selu_fixed_point, selu_moments

__all__ = [
    "SeluFixedPoint",
    "born_dead_probability",
    "chi",
    "correlation_fixed_point",
    "correlation_map",
    "critical_line",
    "critical_point",
    "dead_input_probability",
    "depth_scale",
    "fixed_point",
    "gaussian_moments",
    "length_depth_scale",
    "length_fluctuation",
    "length_map",
    "linear_learning_curve",
    "selu_fixed_point",
    "selu_moments",
]
