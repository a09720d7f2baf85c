"""Random-effects Bayesian model selection: how common each model is among participants.

Each participant uses one of K models; the frequencies r of the models in the population have a uniform (Dirichlet)
prior. With log evidences ln p(y_n | m_k), the variational posterior (Stephan et al. 2009,
doi:10.1016/j.neuroimage.2009.03.025) is Dirichlet with counts

    α_k = 1 + Σ_n g_nk,    g_nk ∝ exp(ln p(y_n | m_k) + ψ(α_k)).

The exceedance probability of a model is that its frequency is the largest: ∫ ∏_{j≠k} F_j(x) dF_k(x), where F_k is the
gamma distribution of shape α_k, as a Dirichlet vector is independent gammas over their sum; it is integrated, not
sampled. The Bayesian omnibus risk is the probability that all models are equally frequent and differences are chance;
the protected exceedance probability is shrunk by it to 1/K (Rigoux et al. 2014, doi:10.1016/j.neuroimage.2013.08.065).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas
from scipy.integrate import quad
from scipy.special import digamma, expit, gammainc, gammaincinv, gammaln, logsumexp, softmax, xlogy

_MOST_STEPS = 10_000
_SETTLED = 1e-10  # change of the counts at which the iteration ends


@dataclass(frozen=True)
class ModelFrequencies:
    """How frequent models are in the population that participants come from.

    Attributes
    ----------
    table : DataFrame
        A row a model: model, dirichlet (its count), frequency (expected), exceedance, protected_exceedance.
    assignments : DataFrame
        Posterior probability that a participant uses a model, (participants, models).
    omnibus_risk : float
        Posterior probability that all models are equally frequent.
    log_evidence, log_evidence_equal : float
        Of all data, with unequal frequencies (the variational lower bound) and with equal ones.
    """

    table: pandas.DataFrame
    assignments: pandas.DataFrame
    omnibus_risk: float
    log_evidence: float
    log_evidence_equal: float


def model_frequencies(log_evidences: pandas.DataFrame) -> ModelFrequencies:
    """Random-effects model selection.

    Parameters
    ----------
    log_evidences : DataFrame
        A row a participant and a column a model, natural logarithms: log evidences, or what approximates them, −BIC/2
        or −AIC/2. What is the same for all models of a participant has no effect.

    Raises
    ------
    TypeError
        No DataFrame: the names of participants and models come from it.
    ValueError
        Fewer than two models, no participants, names missing or given twice, a value that is no finite number.

    Examples
    --------
    >>> import pandas
    >>> from fits.random_effects import model_frequencies
    >>> evidences = pandas.DataFrame({"one": [-10.0, -12.0, -9.0], "other": [-15.0, -18.0, -13.0]},
    ...                              index=["anna", "ben", "carl"])
    >>> model_frequencies(evidences).table.frequency.round(2).tolist()
    [0.8, 0.2]
    """
    values = _checked(log_evidences)
    values = values - values.max(axis=1, keepdims=True)
    prior = np.ones(values.shape[1])
    counts = prior.copy()
    for _ in range(_MOST_STEPS):
        assigned = softmax(values + digamma(counts), axis=1)
        previous, counts = counts, prior + assigned.sum(axis=0)
        if np.abs(counts - previous).max() < _SETTLED:
            break
    height = float(log_evidences.to_numpy(float).max(axis=1).sum())
    equal = float((logsumexp(values, axis=1) - np.log(values.shape[1])).sum())
    unequal = _lower_bound(values, prior, counts, assigned)
    risk = float(expit(equal - unequal))
    exceedance = exceedance_probabilities(counts)
    table = pandas.DataFrame(
        dict(
            model=[str(name) for name in log_evidences.columns],
            dirichlet=counts,
            frequency=counts / counts.sum(),
            exceedance=exceedance,
            protected_exceedance=(1 - risk) * exceedance + risk / len(counts),
        )
    )
    assignments = pandas.DataFrame(assigned, index=log_evidences.index, columns=log_evidences.columns)
    return ModelFrequencies(table, assignments, risk, unequal + height, equal + height)


def _lower_bound(values: np.ndarray, prior: np.ndarray, counts: np.ndarray, assigned: np.ndarray) -> float:
    """The variational free energy, a lower bound of the log evidence of all data."""
    expected = digamma(counts) - digamma(counts.sum())
    data = (assigned * (values + expected)).sum() - xlogy(assigned, assigned).sum()
    prior_part = gammaln(prior.sum()) - gammaln(prior).sum() + ((prior - 1) * expected).sum()
    posterior_part = gammaln(counts.sum()) - gammaln(counts).sum() + ((counts - 1) * expected).sum()
    return float(data + prior_part - posterior_part)


def exceedance_probabilities(counts: np.ndarray) -> np.ndarray:
    """Probability that each frequency is the largest, under a Dirichlet distribution with these counts; (models,).

    Raises
    ------
    ValueError
        Fewer than two counts, or one that is not positive and finite.
    """
    shapes = np.asarray(counts, dtype=float)
    if shapes.ndim != 1 or len(shapes) < 2 or not (np.isfinite(shapes) & (shapes > 0)).all():
        raise ValueError(f"counts are {counts!r}; give at least two positive numbers")
    result = np.zeros(len(shapes))
    for k, shape in enumerate(shapes):
        others = np.delete(shapes, k)

        def below(quantile: float, shape: float = shape, others: np.ndarray = others) -> float:
            return float(np.prod(gammainc(others, gammaincinv(shape, quantile))))

        result[k] = quad(below, 0.0, 1.0, epsabs=1e-10, limit=200)[0]
    return result / result.sum()


def _checked(log_evidences: pandas.DataFrame) -> np.ndarray:
    if not isinstance(log_evidences, pandas.DataFrame):
        kind = type(log_evidences).__name__  # type: ignore[unreachable]
        raise TypeError(f"log evidences are a {kind}; give a DataFrame with a row a participant and a column a model")
    if log_evidences.shape[1] < 2:
        raise ValueError(f"{log_evidences.shape[1]} model(s) given; nothing can be selected among fewer than two")
    if not len(log_evidences):
        raise ValueError("no participants; give at least one row")
    for what, names in (("model", log_evidences.columns), ("participant", log_evidences.index)):
        if names.hasnans or any(str(name).strip() == "" for name in names):
            raise ValueError(f"a {what} has no name; name every one")
        if names.has_duplicates:
            twice = names[names.duplicated()][0]
            raise ValueError(f"the {what} {twice!r} is there twice; give each its own name")
    try:
        values = log_evidences.to_numpy(dtype=float)
    except (TypeError, ValueError):
        raise ValueError("a log evidence is no number; give natural logarithms of evidences") from None
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"log evidence of participant {log_evidences.index[row]!r} under {log_evidences.columns[column]!r} is "
            f"{values[row, column]}; give a finite number, or leave the participant out"
        )
    return values
