"""Do people answer as the model, with the parameters found for them, would have them answer?

For every draw from a person's posterior the trials are answered anew; what they gave is held against these replications
(posterior predictive checks, Gelman et al. 1996). The draws are those of a sampled posterior, or of EM's normal one.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from engram.recall import RESPONSES

from .fit import PeopleFit

if TYPE_CHECKING:
    from .posterior import PeoplePosterior

_LEVEL = 0.95


def predictive_checks(
    fit: PeopleFit, posterior: PeoplePosterior | None = None, *, draws: int = 200, seed: int = 1
) -> pandas.DataFrame:
    """Observed and replicated shares of the first outcome, by person and group of trials.

    Parameters
    ----------
    fit : PeopleFit
        Of the level "phase".
    posterior : PeoplePosterior, optional
        Whose draws are used (evenly spaced ones); normal draws about EM's estimates otherwise.
    draws, seed : int

    Returns
    -------
    DataFrame
        participant, group ("new" for new items of all kinds), n, observed, expected, lower, upper (95 % of
        replications), inside, p (share of replications at most as large, ties by half).
    """
    likelihood = fit.likelihood
    if likelihood.level != "phase":
        raise ValueError(f"the level is {likelihood.level!r}; checks are by groups of trials: fit the level 'phase'")
    groups = [*group_names(likelihood), "new"]
    etas = _etas(fit, posterior, draws, seed)
    rows = []
    for k, name in enumerate(likelihood.people):
        rng = np.random.default_rng([seed, k])
        observed = _shares(likelihood.old[k], likelihood.lures[k])
        replicated = np.array([_shares(*likelihood.simulate(k, eta, rng)) for eta in etas[:, k]])
        sizes = [*likelihood.old[k].sum(axis=1), likelihood.lures[k].sum()]
        for g, group in enumerate(groups):
            if not sizes[g]:
                continue
            own = replicated[:, g]
            lower, upper = np.quantile(own, [0.5 - _LEVEL / 2, 0.5 + _LEVEL / 2])
            rows.append(
                dict(participant=name, group=group, n=int(sizes[g]), observed=observed[g], expected=own.mean(),
                     lower=lower, upper=upper, inside=bool(lower <= observed[g] <= upper),
                     p=float((own < observed[g]).mean() + 0.5 * (own == observed[g]).mean()))
            )  # fmt: skip
    return pandas.DataFrame(rows)


def loo(posterior: PeoplePosterior, *, draws: int = 400) -> Any:
    """Leave-one-trial-out predictive density by Pareto-smoothed importance sampling (ArviZ's ``loo``).

    Parameters
    ----------
    posterior : PeoplePosterior
    draws : int
        Of each person's parameters, evenly spaced among all.

    Returns
    -------
    arviz.ELPDData
        With the Pareto shape of every trial (``pareto_k``): above 0.7 a trial decides too much on its own; infinite
        where no draw changes a trial's probability, which is no harm.
    """
    from .posterior import needed

    _, arviz = needed()
    likelihood = posterior.fit.likelihood
    etas = _etas(posterior.fit, posterior, draws, 0)
    columns = []
    for k in range(len(likelihood)):
        counts = np.concatenate([part for part in (likelihood.old[k], likelihood.lures[k]) if part.size]).astype(int)
        logs = []
        for eta in etas[:, k]:
            parts = [p for p in likelihood.probabilities(k, eta) if p.size]
            logs.append(np.log(np.maximum(np.concatenate(parts), 1e-300)).ravel())
        columns.append(np.repeat(np.array(logs), counts.ravel(), axis=1))
    pointwise = np.concatenate(columns, axis=1)[None]  # one chain of independent-enough draws
    data = arviz.from_dict(posterior={"eta": etas[None]}, log_likelihood={"answers": pointwise})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto", UserWarning)  # pareto_k says where
        return arviz.loo(data, pointwise=True, reff=1.0)


def group_names(likelihood: Any) -> list[str]:
    """The groups of traces that a person's counts are of, in order."""
    from ..trial_layout import trial_layout

    return list(dict.fromkeys(cell.traces for cell in trial_layout(likelihood.study).cells))


def first_outcome(fit: PeopleFit) -> str:
    """The outcome whose share is checked: the strictest."""
    return str(RESPONSES[fit.likelihood.study.response].outcomes[0])


def _etas(fit: PeopleFit, posterior: PeoplePosterior | None, draws: int, seed: int) -> np.ndarray:
    """(draws, people, parameters)."""
    if posterior is not None:
        every = posterior.draws()[1]
        return every[np.linspace(0, len(every) - 1, min(draws, len(every))).astype(int)]
    rng = np.random.default_rng(seed)
    each = [rng.multivariate_normal(one.eta, one.covariance, draws, method="eigh") for one in fit.posteriors]
    return np.stack(each, axis=1)


def _shares(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Of the first outcome, group by group and in all new items."""
    n = old.sum(axis=1)
    shares = np.divide(old[:, 0], n, out=np.zeros(len(n)), where=n > 0)
    total = new.sum()
    return np.append(shares, new[:, 0].sum() / total if total else 0.0)
