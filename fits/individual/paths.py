"""Path models of observed variables, and mediation with intervals of a bias-corrected bootstrap.

Every variable with causes is a linear function of them and of an error of its own, and no variable causes itself by
any way round. With errors that do not correlate, maximum likelihood is least squares, equation by equation, so that all
that is estimated follows from the covariances S. With Σ the covariances that the model implies,

    χ² = n (ln det Σ − ln det S + tr SΣ⁻¹ − number of variables)        df = paths that are left out

A chain a → b → c has the indirect effect b_ab b_bc. Its distribution is skewed, so that its interval comes from
resampled people, with the quantiles moved by how far the estimate is from the median of the resampled ones: Φ(2z₀ ± z),
z₀ the normal quantile of the share below the estimate (Efron 1987, doi:10.1080/01621459.1987.10478410; for mediation
MacKinnon et al. 2004, doi:10.1207/s15327906mbr3901_4). :func:`path_calibration` says how often such intervals hold.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas
from scipy.special import ndtr, ndtri
from scipy.stats import DegenerateDataWarning, binomtest, bootstrap, chi2

from .path_model import SINGULAR, Equations, Model, PathError, causal_order, correlation, covariances

Interval: TypeAlias = Literal["bias-corrected", "BCa", "percentile"]
INTERVALS: tuple[Interval, ...] = ("bias-corrected", "BCa", "percentile")
_FEWEST = 100  # resamples from which ends of intervals can be read


@dataclass(frozen=True, eq=False)
class PathFit:
    """A path model, and what it says of chains of causes.

    Attributes
    ----------
    paths : DataFrame
        A row a path: cause, effect, coefficient (units of the effect per unit of the cause), standardised,
        standard_error (of the resampled coefficients), lower, upper.
    indirect : DataFrame
        A row a chain: chain, effect (product of the coefficients), standardised, standard_error, lower, upper, p (two-
        sided, by the method of the interval: one of the level 1 − p ends at zero). "total" sums all chains from one
        end to the other.
    explained : DataFrame
        variable, r_squared.
    n, left_out : int
        People, and those with a missing value.
    chi_squared, p : float
        Of the model against one without restrictions; NaN where no path is left out (df 0).
    df : int
    rmsea, srmr : float
        Misfit per degree of freedom, and root mean square of the residual correlations.
    degenerate : int
        Resamples in which causes could not be told apart; they are not counted.
    """

    equations: dict[str, tuple[str, ...]]
    interval: str
    resamples: int
    seed: int
    paths: pandas.DataFrame
    indirect: pandas.DataFrame
    explained: pandas.DataFrame
    n: int
    left_out: int
    chi_squared: float
    df: int
    p: float
    rmsea: float
    srmr: float
    degenerate: int
    covariance: pandas.DataFrame = field(repr=False)  # that the model implies


def fit_paths(
    table: pandas.DataFrame,
    equations: Equations,
    *,
    resamples: int = 5000,
    interval: Interval = "bias-corrected",
    level: float = 0.95,
    seed: int = 1,
) -> PathFit:
    """Fit a path model and bootstrap its paths and chains.

    Parameters
    ----------
    table : DataFrame
        A row a person, a column a variable. People with a missing value are left out and counted.
    equations : mapping of str to sequence of str
        Each variable that has causes, with its causes.
    resamples : int
    interval : {"bias-corrected", "BCa", "percentile"}
        How ends, and with them p, are found; the ends of the latter two are those of :func:`scipy.stats.bootstrap`.
    level : float
    seed : int

    Raises
    ------
    PathError
        Unknown, constant or circular variables, causes that follow from one another, too few people, options that are
        not among those above.

    Examples
    --------
    >>> import numpy as np, pandas
    >>> rng = np.random.default_rng(1)
    >>> cause = rng.normal(size=200)
    >>> between = 0.6 * cause + rng.normal(size=200)
    >>> table = pandas.DataFrame({"cause": cause, "between": between, "end": 0.5 * between + rng.normal(size=200)})
    >>> found = fit_paths(table, {"between": ["cause"], "end": ["between"]}, resamples=999)
    >>> row = found.indirect.iloc[0]
    >>> print(f"{row.chain}: {row.effect:.2f} ({row.lower:.2f} to {row.upper:.2f})")
    cause → between → end: 0.25 (0.17 to 0.34)
    """
    if not 0 < level < 1:
        raise PathError(f"level is {level:g}; give a share between 0 and 1")
    if resamples < _FEWEST:
        raise PathError(f"resamples is {resamples}; ends of intervals need at least {_FEWEST}")
    if interval not in INTERVALS:
        raise PathError(f"interval is {interval!r}; use one of {', '.join(INTERVALS)}")
    order = causal_order(equations)
    causes = {name: tuple(equations[name]) for name in order if equations.get(name)}
    whole, left_out = _complete(table, order, causes)
    data = whole.to_numpy(float).T
    model = Model(order, causes)
    s = np.cov(data, bias=True)
    if np.linalg.cond(correlation(s)) > SINGULAR:
        raise PathError(
            f"one of {', '.join(order)} follows from the others in all {data.shape[1]} people; leave it out"
        )

    def statistic(*sample: np.ndarray, axis: int = -1) -> np.ndarray:
        # scipy asks for the axis of people, which is the last
        return model.quantities(covariances(np.stack(np.broadcast_arrays(*sample), axis=-2)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)  # counted below, or an error
        found = bootstrap(
            tuple(data), statistic, paired=True, vectorized=True, n_resamples=resamples, confidence_level=level,
            method="BCa" if interval == "BCa" else "percentile", rng=np.random.default_rng(seed),
            batch=max(1, 2_000_000 // data.size),
        )  # fmt: skip
    estimates = model.quantities(s)
    drawn = np.asarray(found.bootstrap_distribution)
    usable = np.isfinite(drawn).all(axis=0)
    if usable.sum() < _FEWEST:
        raise PathError(f"causes can be told apart in {usable.sum()} of {resamples} resamples; ends of intervals need "
                        f"at least {_FEWEST}, give more resamples or a smaller model")  # fmt: skip
    if interval == "bias-corrected":
        ends = bias_corrected(estimates, drawn[:, usable], level)
    elif usable.all():
        ends = np.stack([found.confidence_interval.low, found.confidence_interval.high])
    else:
        raise PathError("some resamples cannot tell causes apart; interval='bias-corrected' leaves them out")
    width = drawn[:, usable].std(axis=1, ddof=1)
    p = _p_values(model, data, estimates, drawn[:, usable], interval)
    implied = model.implied(s)
    fitted = _fit_measures(model, s, implied, data.shape[1])
    plain, standard = model.chains(s), model.chains(correlation(s))
    at = len(model.paths)
    scaled = model.coefficients(correlation(s))
    paths = pandas.DataFrame(
        [
            dict(cause=cause, effect=effect, coefficient=estimates[k], standardised=scaled[k], standard_error=width[k],
                 lower=ends[0, k], upper=ends[1, k])
            for k, (cause, effect) in enumerate(model.paths)
        ]
    )  # fmt: skip
    indirect = pandas.DataFrame(
        [
            dict(chain=name, effect=plain[k], standardised=standard[k], standard_error=width[at + k],
                 lower=ends[0, at + k], upper=ends[1, at + k], p=p[at + k])
            for k, name in enumerate(model.chain_names)
        ],
        columns=["chain", "effect", "standardised", "standard_error", "lower", "upper", "p"],
    )  # fmt: skip
    residual = model.residual_variances(s)
    explained = pandas.DataFrame(
        [dict(variable=name, r_squared=1 - residual[name] / s[k, k]) for k, name in enumerate(order) if name in causes]
    )
    return PathFit(
        equations=causes, interval=interval, resamples=resamples, seed=seed, paths=paths, indirect=indirect,
        explained=explained, n=data.shape[1], left_out=left_out, degenerate=int((~usable).sum()),
        covariance=pandas.DataFrame(implied, index=order, columns=order), **fitted,
    )  # fmt: skip


def path_calibration(
    fit: PathFit, *, people: int | None = None, simulations: int = 500, resamples: int = 1000, seed: int = 1
) -> pandas.DataFrame:
    """How often intervals of chains hold the truth, and exclude zero, if people come from the fitted model.

    Parameters
    ----------
    fit : PathFit
        Variables are drawn from a normal distribution with the covariances that it implies.
    people : int, optional
        As many as were fitted by default.
    simulations, resamples, seed : int

    Returns
    -------
    DataFrame
        A row a chain: chain, true (standardised as the data were), people, simulations, mean, coverage with its exact
        95 % interval (coverage_lower, coverage_upper), power (share of intervals without zero).

    Raises
    ------
    PathError
        Too few people, simulations or resamples.
    """
    n = fit.n if people is None else people
    order = list(fit.covariance.columns)
    if n < _least_people(order, fit.equations):
        raise PathError(f"people is {n}; at least {_least_people(order, fit.equations)} are needed to fit this model")
    if simulations < 1:
        raise PathError(f"simulations is {simulations}; give at least 1")
    if resamples < _FEWEST:
        raise PathError(f"resamples is {resamples}; ends of intervals need at least {_FEWEST}")
    model = Model(order, fit.equations)
    true = model.chains(fit.covariance.to_numpy())
    at = len(model.paths)
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(fit.covariance.to_numpy())
    covered, without_zero = np.zeros(len(true), dtype=int), np.zeros(len(true), dtype=int)
    total = np.zeros(len(true))
    for _ in range(simulations):
        data = root @ rng.normal(size=(len(order), n))
        estimates = model.quantities(np.cov(data, bias=True))[at:]
        drawn = model.quantities(covariances(data[:, rng.integers(0, n, (resamples, n))].transpose(1, 0, 2)))[at:]
        low, high = bias_corrected(estimates, drawn[:, np.isfinite(drawn).all(axis=0)], 0.95)
        covered += (low <= true) & (true <= high)
        without_zero += (low > 0) | (high < 0)
        total += estimates
    rows = []
    for k, name in enumerate(model.chain_names):
        ends = binomtest(int(covered[k]), simulations).proportion_ci(0.95)
        rows.append(
            dict(chain=name, true=true[k], people=n, simulations=simulations, mean=total[k] / simulations,
                 coverage=covered[k] / simulations, coverage_lower=ends.low, coverage_upper=ends.high,
                 power=without_zero[k] / simulations)
        )  # fmt: skip
    return pandas.DataFrame(rows)


def bias_corrected(estimates: np.ndarray, drawn: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Ends of intervals, (2, quantities), from estimates (quantities,) and resampled ones (quantities, resamples)."""
    shift = ndtri(_shares_below(estimates, drawn))
    z = float(ndtri(0.5 + level / 2))
    return np.array(
        [[np.quantile(own, ndtr(2 * z0 + sign * z)) for own, z0 in zip(drawn, shift, strict=True)] for sign in (-1, 1)]
    )


def _fit_measures(model: Model, s: np.ndarray, implied: np.ndarray, n: int) -> dict[str, Any]:
    df = model.df
    value = float(
        np.linalg.slogdet(implied)[1] - np.linalg.slogdet(s)[1] + np.trace(s @ np.linalg.inv(implied)) - len(s)
    )
    statistic = max(n * value, 0.0)
    off = (correlation(s) - implied / np.sqrt(np.outer(np.diag(s), np.diag(s))))[np.tril_indices(len(s))]
    if df == 0:
        return dict(chi_squared=math.nan, df=0, p=math.nan, rmsea=math.nan, srmr=float(np.sqrt((off**2).mean())))
    return dict(chi_squared=statistic, df=df, p=float(chi2.sf(statistic, df)),
                rmsea=math.sqrt(max(statistic - df, 0.0) / (df * n)), srmr=float(np.sqrt((off**2).mean())))  # fmt: skip


def _complete(
    table: pandas.DataFrame, order: Sequence[str], causes: Mapping[str, Sequence[str]]
) -> tuple[pandas.DataFrame, int]:
    """The columns asked for of the people who have all of them, and how many have not."""
    if not isinstance(table, pandas.DataFrame):
        raise PathError(f"the table is of the type {type(table).__name__}; give a DataFrame, a row a person")
    absent = [name for name in order if name not in table]
    if absent:
        raise PathError(f"{', '.join(absent)}: no such column; the table has {', '.join(map(str, table.columns))}")
    twice = [name for name in order if list(table.columns).count(name) > 1]
    if twice:
        raise PathError(f"{twice[0]}: is a column of the table more than once; leave one")
    chosen = table[list(order)]
    for name in order:
        if not pandas.api.types.is_numeric_dtype(chosen[name]):
            raise PathError(f"{name}: is not of numbers; give its values as numbers")
        if np.isinf(chosen[name].to_numpy(float)).any():
            raise PathError(f"{name}: has an infinite value; correct it, or make it a missing one")
    whole = chosen[np.isfinite(chosen.to_numpy(float)).all(axis=1)]
    least = _least_people(order, causes)
    if len(whole) < least:
        raise PathError(f"{len(whole)} people have every variable; at least {least} are needed for {len(order)} "
                        f"variables of which one has {max(map(len, causes.values()))} causes")  # fmt: skip
    for name in order:
        if np.ptp(whole[name].to_numpy(float)) == 0:
            raise PathError(
                f"{name}: is {whole[name].iloc[0]:g} for everybody; a constant explains nothing, leave it out"
            )
    return whole, len(table) - len(whole)


def _least_people(order: Sequence[str], causes: Mapping[str, Sequence[str]]) -> int:
    """With which the covariances can be inverted, and every equation has two degrees of freedom left."""
    return max(len(order) + 1, max(map(len, causes.values())) + 3)


def _shares_below(estimates: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Share of resampled values below each estimate, ties by half, and never none or all of them."""
    n = drawn.shape[1]
    below = (drawn < estimates[:, None]).sum(axis=1) + 0.5 * (drawn == estimates[:, None]).sum(axis=1)
    found: np.ndarray = np.clip(below / n, 0.5 / n, 1 - 0.5 / n)
    return found


def _p_values(model: Model, data: np.ndarray, estimates: np.ndarray, drawn: np.ndarray, interval: str) -> np.ndarray:
    """1 − the level at which the interval ends at zero, where w = Φ⁻¹(share of resampled values below zero).

    Ends of BCa are at Φ(z₀ + (z₀ ± z)/(1 − a(z₀ ± z))), so that z₀ ± z = (w − z₀)/(1 + a(w − z₀)). Without the
    acceleration a they are the bias-corrected ones, and without z₀ as well the percentiles.
    """
    w = ndtri(_shares_below(np.zeros(len(estimates)), drawn))
    shift = np.zeros(len(w)) if interval == "percentile" else ndtri(_shares_below(estimates, drawn))
    a = np.zeros(len(w))
    if interval == "BCa":
        n = data.shape[1]
        left = np.stack([np.delete(data, k, axis=1) for k in range(n)])
        own = model.quantities(covariances(left))
        off = own.mean(axis=1, keepdims=True) - own
        a = (off**3).sum(axis=1) / (6 * (off**2).sum(axis=1) ** 1.5)
    found: np.ndarray = 2 * ndtr(-np.abs((w - shift) / (1 + a * (w - shift)) - shift))
    return found
