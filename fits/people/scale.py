"""η: where a parameter lies between its bounds on the search scale, as a logit, so that any real number is a value.

    x = low + (high − low)/(1 + e^−η)        value = x, or e^x for parameters on a log scale

A population's median that is uniform between the bounds has a standard logistic density in η.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from ..objective import Coordinate

_INSIDE = 1e-3  # of the width: a start at a bound itself has no finite η


class Scale:
    """From η to the values of a study's parameters and back.

    Parameters
    ----------
    coordinates : sequence of Coordinate
    """

    def __init__(self, coordinates: Sequence[Coordinate]) -> None:
        self.names = [c.name for c in coordinates]
        self.logarithmic = np.array([c.scale == "log" for c in coordinates], dtype=bool)
        ends = np.array([(c.inward(c.bounds[0]), c.inward(c.bounds[1])) for c in coordinates]).reshape(-1, 2)
        self.low, self.width = ends[:, 0], ends[:, 1] - ends[:, 0]
        self.starts = self.inward(np.array([c.start for c in coordinates]))

    def __len__(self) -> int:
        return len(self.names)

    def outward(self, eta: np.ndarray) -> np.ndarray:
        """Values in the parameters' units; the last axis is that of the parameters."""
        x = self.low + self.width * expit(eta)
        out: np.ndarray = np.where(self.logarithmic, np.exp(np.where(self.logarithmic, x, 0.0)), x)
        return out

    def inward(self, values: np.ndarray) -> np.ndarray:
        """η of values within the bounds; those at a bound are taken a thousandth of the width inside."""
        x = np.where(self.logarithmic, np.log(np.where(self.logarithmic, values, 1.0)), values)
        share = np.clip((x - self.low) / self.width, _INSIDE, 1 - _INSIDE)
        found: np.ndarray = logit(share)
        return found

    def own(self, eta: np.ndarray) -> dict[str, float]:
        """Parameter -> value."""
        return dict(zip(self.names, self.outward(eta).tolist(), strict=True))

    def slopes(self, eta: np.ndarray) -> np.ndarray:
        """d value/dη of each parameter."""
        share = expit(eta)
        change = self.width * share * (1 - share)
        return change * np.where(self.logarithmic, self.outward(eta), 1.0)
