r"""Leaky integrate-and-fire neurons with coloured background current, carried over one fixed step.

    τ_m u̇ = −u + R(I_syn + I),   u = V − V_rest;   spike at V ≥ V_threshold, then V_reset for the refractory period
    İ_syn = −I_syn/τ_syn + Σ (w/R) δ(t − t_spike − delay)
    I an Ornstein-Uhlenbeck current: mean μ, correlation time τ, standard deviation σ_WN/√(2τ)

Synaptic and Ornstein-Uhlenbeck currents are exact at the ends of a step. The potential is exact for the synaptic
current and takes the expected path of the other between its two ends. What is left out is a fluctuation of about
R sd √(dt³/(6 τ)) / τ_m a step (0.008 mV at 0.2 ms), and crossings are seen at the ends of steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial.legendre import leggauss

from ...parameter import check_parameters, parameter
from .arguments import make_plain

_2021 = "Luboeinski & Tetzlaff 2021, doi:10.1038/s42003-021-01778-y"


@dataclass(frozen=True, kw_only=True)
class IntegrateAndFire:
    """Parameters of all neurons; times in seconds."""

    tau_membrane: float = parameter(
        10e-3, unit="s", bounds=(1e-4, 1), symbol="τ_m", source=_2021, verified=True,
        description="time constant of the membrane",
    )  # fmt: skip
    resistance: float = parameter(
        10.0, unit="MΩ", bounds=(1e-3, 1e4), symbol="R", source=_2021, verified=True, description="resistance",
    )  # fmt: skip
    resting_potential: float = parameter(
        -65.0, unit="mV", bounds=(-200, 100), symbol="V_rest", source=_2021, verified=True,
        description="resting potential",
    )  # fmt: skip
    reset_potential: float = parameter(
        -70.0, unit="mV", bounds=(-200, 100), symbol="V_reset", source=_2021, verified=True,
        description="potential after a spike; below the threshold",
    )  # fmt: skip
    threshold: float = parameter(
        -55.0, unit="mV", bounds=(-200, 100), symbol="V_th", source=_2021, verified=True,
        description="potential of a spike",
    )  # fmt: skip
    refractory_period: float = parameter(
        2e-3, unit="s", bounds=(0, 1), symbol="t_ref", source=_2021, verified=True, description="refractory period",
    )  # fmt: skip
    tau_synaptic: float = parameter(
        5e-3, unit="s", bounds=(1e-5, 1), symbol="τ_syn", source=_2021, verified=True,
        description="decay of the synaptic current",
    )  # fmt: skip
    synaptic_delay: float = parameter(
        3e-3, unit="s", bounds=(0, 1), symbol="t_ax", source=_2021, verified=True, description="delay of a spike",
    )  # fmt: skip
    background_mean: float = parameter(
        0.15, unit="nA", bounds=(-100, 100), symbol="I_0", source=_2021, verified=True,
        description="mean of the background current",
    )  # fmt: skip
    background_noise: float = parameter(
        0.05, unit="nA s^½", bounds=(0, 100), symbol="σ_WN", source=_2021, verified=True,
        description="noise of the background current",
    )  # fmt: skip
    tau_background: float = parameter(
        5e-3, unit="s", bounds=(1e-5, 1), symbol="τ", source=_2021, verified=True,
        description="correlation time of the background and stimulus currents",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_parameters(self)
        make_plain(self)
        if not self.reset_potential < self.threshold:
            raise ValueError(
                f"reset_potential {self.reset_potential:g} mV must lie below threshold {self.threshold:g} mV"
            )

    @property
    def background_deviation(self) -> float:
        """Standard deviation of the background current (nA)."""
        return self.background_noise / math.sqrt(2.0 * self.tau_background)


class NeuronConstants(NamedTuple):
    """One step of all neurons; potentials in mV from rest, currents in nA."""

    kept: float  # exp(−dt/τ_m)
    from_mean: float  # mV an unchanging 1 nA adds
    from_synaptic: float  # mV for 1 nA of synaptic current at the start of the step
    from_before: float  # mV for 1 nA of coloured current at the start of the step
    from_after: float  # the same at its end
    synaptic_kept: float  # exp(−dt/τ_syn)
    coloured_kept: float  # exp(−dt/τ)
    coloured_noise: float  # √(1 − exp(−2 dt/τ))
    background_mean: float
    background_deviation: float
    threshold: float
    reset: float
    refractory_steps: int
    resistance: float


def neuron_constants(neuron: IntegrateAndFire, dt: float) -> NeuronConstants:
    """The coefficients of a step of `dt` (s), integrals by Gauss-Legendre quadrature to rounding."""
    nodes, weights = leggauss(32)
    at, weight = 0.5 * dt * (nodes + 1.0), 0.5 * dt * weights
    membrane = neuron.resistance / neuron.tau_membrane * np.exp(-(dt - at) / neuron.tau_membrane) * weight
    tau = neuron.tau_background
    bridge = math.sinh(dt / tau)
    return NeuronConstants(
        kept=math.exp(-dt / neuron.tau_membrane),
        from_mean=-neuron.resistance * math.expm1(-dt / neuron.tau_membrane),
        from_synaptic=float(membrane @ np.exp(-at / neuron.tau_synaptic)),
        from_before=float(membrane @ (np.sinh((dt - at) / tau) / bridge)),
        from_after=float(membrane @ (np.sinh(at / tau) / bridge)),
        synaptic_kept=math.exp(-dt / neuron.tau_synaptic),
        coloured_kept=math.exp(-dt / tau),
        coloured_noise=math.sqrt(-math.expm1(-2.0 * dt / tau)),
        background_mean=float(neuron.background_mean),
        background_deviation=neuron.background_deviation,
        threshold=neuron.threshold - neuron.resting_potential,
        reset=neuron.reset_potential - neuron.resting_potential,
        refractory_steps=round(neuron.refractory_period / dt),
        resistance=float(neuron.resistance),
    )
