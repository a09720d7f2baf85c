"""What every response type offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..parameter import check_parameters

#: Before the name of an outcome: its probability for a lure.
LURE = "lure: "


class Response(ABC):
    """A response type: memory strength in, what the experimenter measures out.

    Subclasses are frozen dataclasses whose fields are declared with :func:`engram.parameter.parameter`; a
    parameter outside its bounds raises ``ValueError`` when the response is made. Strengths are dimensionless,
    of any shape S. Predictions and likelihoods are smooth and also take complex strengths and parameters, so
    that a complex step gives their exact gradient.

    Attributes
    ----------
    kind : str
        Name of the response type in ``engram.recall.RESPONSES``.
    outcomes : tuple of str
        Names of the outcomes along the last axis of predictions and counts; empty for one number a strength.
    unit : str
        Unit of the prediction: ``"1"`` for a probability, ``"%"`` for a percentage.
    score_names : tuple of str
        What :meth:`score` can read off the prediction.
    """

    kind: ClassVar[str]
    outcomes: ClassVar[tuple[str, ...]] = ()
    unit: ClassVar[str] = "1"
    score_names: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_parameters(self)

    @abstractmethod
    def predict(self, strength: ArrayLike) -> NDArray[Any]:
        """The expected response, in ``unit``: shape S, or S + (number of outcomes,)."""

    @abstractmethod
    def log_likelihood(
        self, observed: ArrayLike, strength: ArrayLike, n: ArrayLike, *, constant: bool = True
    ) -> NDArray[Any]:
        """Log-likelihood of each observation, shape S; sum it for the total.

        ``constant=False`` leaves out the terms that depend on the data alone.
        """

    @abstractmethod
    def simulate(self, strength: ArrayLike, n: ArrayLike, rng: np.random.Generator) -> NDArray[Any]:
        """Observations drawn from the distribution that ``log_likelihood`` evaluates, in the same form."""

    def score(self, strength: ArrayLike, name: str) -> NDArray[Any]:
        """One number a strength, as a study reports it (``score_names``), or the probability of an outcome; shape S."""
        if name in self.outcomes and name not in self.score_names:
            return np.asarray(self.predict(strength)[..., self.outcomes.index(name)])
        if name not in self.score_names:
            raise ValueError(f"{type(self).__name__} has no score {name!r}; it has {', '.join(self.score_names)}")
        return self._score(strength, name)

    def _score(self, strength: ArrayLike, name: str) -> NDArray[Any]:
        return self.predict(strength)
