r"""The calcium synapse and its network: exact facts, and the memory trace that a cell assembly corresponds to.

Early phase. In every calcium regime it is an Ornstein-Uhlenbeck process,

    tau_h dh = [0.1 (h_0 - h) + gamma_p (10 - h) P - gamma_d h D] dt + sigma sqrt(tau_h (P + D)) dW

with P, D = 1 where calcium is above the upper, lower threshold. Setting the drift of the mean and of the variance to
zero gives `stationary_mean` and `stationary_variance`. Above both thresholds the mean is 2 h_0, but for the 0.1.

Network against trace. All deviations from h_0 decay alike, so that S_j = sum_i |h_ij - h_0| falls as exp(-t/tau_early),
tau_early = tau_h/0.1, and

    S_j(t) (n + 0.001) > h_0          synthesis in the network
    (s_0 + S(t)) (m + epsilon) > 1    synthesis of a trace, S = its own early phase e

are the same condition with s_0 = 0 and

    m + epsilon = (n + 0.001) S_j/(h_0 e),        e = (h - h_0)/h_0        `equivalent_drive`

The tag (theta_tag), tau_early, tau_protein and tau_late carry over unchanged. The reduction is exact where all synapses
onto a neuron have one early weight and no synapse changes after learning. It breaks where the synapses of an assembly
differ: each has its own end of the tag and each neuron its own end of synthesis, and a mean over thresholds is not the
threshold of the mean.
"""

from __future__ import annotations

import math
from functools import cache

import sympy
from sympy import Eq, Expr

from theory.capture import late_from_protein_under_tag
from theory.crossing import time_to_fall
from theory.notation import tau_early, value_of

rest, gamma_p, gamma_d, sigma, tau_h = sympy.symbols("rest gamma_p gamma_d sigma tau_h", positive=True)
"""h_0 (mV), the rates of potentiation and depression, the noise (mV) and tau_h (s)."""
above_upper, above_lower = sympy.symbols("above_upper above_lower", nonnegative=True)
"""P and D: 0 or 1."""
total_deviation, protein_threshold = sympy.symbols("total_deviation protein_threshold", positive=True)
"""S_j and theta_pro (mV)."""


@cache
def _drift(early: sympy.Symbol) -> Expr:
    relaxation = (rest - early) / 10
    return (relaxation + gamma_p * (10 - early) * above_upper - gamma_d * early * above_lower) / tau_h


@cache
def relaxation_rate() -> Expr:
    """How fast the early phase approaches its mean (1/s)."""
    early = sympy.Symbol("early", real=True)
    return sympy.factor(-sympy.diff(_drift(early), early))


@cache
def stationary_mean() -> Expr:
    """Where the mean of the early phase settles (mV)."""
    early = sympy.Symbol("early", real=True)
    (mean,) = sympy.solve(Eq(_drift(early), 0), early)
    return sympy.factor(mean)


@cache
def stationary_variance() -> Expr:
    """Where its variance settles (mV²): −2 rate · variance + sigma² (P + D)/tau_h = 0."""
    variance = sympy.Symbol("variance", nonnegative=True)
    diffusion = sigma**2 * (above_upper + above_lower) / tau_h
    (settled,) = sympy.solve(Eq(2 * relaxation_rate() * variance, diffusion), variance)
    return sympy.factor(settled)


@cache
def synthesis_window() -> Expr:
    """How long S_j stays above theta_pro (s): tau_early ln(S_j/theta_pro)."""
    return time_to_fall(total_deviation, protein_threshold, tau_early)


def equivalent_drive(concentration: float, total: float, early: float) -> float:
    """m + epsilon of the trace that a cell assembly at neuromodulator concentration n corresponds to.

    Parameters
    ----------
    concentration : float
        n.
    total : float
        S_j/h_0 of its neurons after learning.
    early : float
        e = (h − h_0)/h_0 of its synapses after learning.
    """
    return (concentration + 0.001) * total / early


def late_of_step(
    early: float,
    total: float,
    level: float,
    *,
    onset: float,
    duration: float = math.inf,
    tag_threshold: float = 0.2,
    tau_early: float = 6884.0,
    tau_protein: float = 3600.0,
    tau_late: float = 3600.0,
) -> float:
    """Late strength once the tag is gone, of a trace whose neuromodulator comes as a step; times in seconds.

    Parameters
    ----------
    early, total : float
        e and S_j/h_0 when learning ends, the origin of time.
    level : float
        n from `onset` on, for `duration`.
    """
    if early <= tag_threshold:
        return 0.0
    tagged = tau_early * math.log(early / tag_threshold)
    if total * (level + 0.001) <= 1.0:
        return 0.0
    synthesis = value_of(
        synthesis_window(), total_deviation=total, protein_threshold=1.0 / (level + 0.001), tau_early=tau_early
    )
    end = min(tagged, synthesis, onset + duration)
    if end <= onset:
        return 0.0
    return value_of(
        late_from_protein_under_tag(), made_for=end - onset, kept_for=tagged - end, protein_0=0.0,
        tau_protein=tau_protein, tau_late=tau_late,
    )  # fmt: skip
