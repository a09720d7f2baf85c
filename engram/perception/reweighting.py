"""Integrated reweighting: augmented Hebbian learning of the read-out of location-specific and -invariant units.

After Dosher, Jeter, Liu & Lu 2013 (doi:10.1073/pnas.1312552110) and the augmented Hebbian rule of Petrov, Dosher & Lu
2005 (doi:10.1037/0033-295X.112.4.715). With feedback the output saturates at ±A with the right sign, so that on average
over noise and both stimuli a trial at difference δ moves a weight by

    p_i = η A q_i δ/2,    Δw_i = (w_max − w_i) p_i for p_i > 0,    (w_i − w_min) p_i for p_i < 0

with soft bounds w_max = −w_min; n trials at the same δ are then w_i → bound − (bound − w_i)(1 − |p_i|)ⁿ. EVC is the
location-specific representation, IPS the location-invariant one.

What could be verified: the rule is Hebbian with feedback as an additional input and soft-bounded weights on stable
representations, and the later paper adds the location-invariant representation (abstracts). Not verified: every number.
Petrov et al. use a learning rate, saturation and bounds for images filtered by other units, which do not carry over.
The published models are simulated trial by trial with spatial-frequency channels, a bias unit and adaptive criteria;
this is their average over noise, for directions, with feedback on every trial.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..parameter import parameter
from .readout import ReadoutModel, slopes_at_trained


@dataclass(frozen=True, kw_only=True)
class IntegratedReweighting(ReadoutModel):
    """Augmented Hebbian reweighting of EVC and IPS (module docstring for the equations).

    Examples
    --------
    >>> from engram.perception import designs
    >>> model = IntegratedReweighting()
    >>> few, many = designs.reactivation(3, encoding=0.0), designs.practice(3)
    >>> few, many = (model.thresholds(protocol, [0], [30 * 86400.0])[0, 0] for protocol in (few, many))
    >>> bool(many < few < model.untrained())
    True
    """

    learning_rate: float = parameter(
        0.002, unit="1", bounds=(0, 1), symbol="η A", source="assumed; fitted", verified=False,
        description="learning rate times the saturated output",
    )  # fmt: skip
    largest_weight: float = parameter(
        1.0, unit="1", bounds=(1e-3, 100), symbol="w_max", verified=False,
        source="bounds of ±1 from memory of Petrov, Dosher & Lu 2005; not checked",
        description="bound of a weight, of either sign",
    )  # fmt: skip

    label: ClassVar[str] = "integrated reweighting"

    def _train(self, weights: list[np.ndarray], trials: float, rate: float) -> list[np.ndarray]:
        half = self.difference_at_threshold(weights) / 2
        trained = []
        for area, w in zip((self.evc, self.ips), weights, strict=True):
            step = np.clip(rate * self.learning_rate * half * slopes_at_trained(area), -1, 1)
            bound = np.where(step >= 0, self.largest_weight, -self.largest_weight)
            trained.append(bound - (bound - w) * (1 - np.abs(step)) ** trials)
        return trained
