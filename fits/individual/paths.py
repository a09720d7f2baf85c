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

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest, bootstrap, chi2

ARROW = " → "
_SINGULAR = 1e12  # condition of the covariances from which causes cannot be told apart
Equations: TypeAlias = Mapping[str, Sequence[str]]
Interval: TypeAlias = Literal["bias-corrected", "BCa", "percentile"]


class PathError(ValueError):
    """A path model that cannot be fitted: the message says what, where and what to do."""


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
        sided: the level at which the interval would end at zero). "total" sums all chains from one end to the other.
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
        How ends are found; the latter two are those of :func:`scipy.stats.bootstrap`.
    level : float
    seed : int

    Raises
    ------
    PathError
        Unknown, constant or circular variables, causes that follow from one another, too few people.

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
    if resamples < 100:
        raise PathError(f"resamples is {resamples}; ends of intervals need at least 100")
    order = causal_order(equations)
    causes = {name: tuple(equations[name]) for name in order if equations.get(name)}
    whole, left_out = _complete(table, order, causes)
    data = whole.to_numpy(float).T
    model = _Model(order, causes)
    s = np.cov(data, bias=True)
    if np.linalg.cond(_correlation(s)) > _SINGULAR:
        raise PathError(
            f"one of {', '.join(order)} follows from the others in all {data.shape[1]} people; leave it out"
        )

    def statistic(*sample: np.ndarray, axis: int = -1) -> np.ndarray:
        # scipy asks for the axis of people, which is the last
        return model.quantities(_covariances(np.stack(np.broadcast_arrays(*sample), axis=-2)))

    found = bootstrap(
        tuple(data), statistic, paired=True, vectorized=True, n_resamples=resamples, confidence_level=level,
        method="BCa" if interval == "BCa" else "percentile", rng=np.random.default_rng(seed),
        batch=max(1, 2_000_000 // data.size),
    )  # fmt: skip
    estimates = model.quantities(s)
    drawn = np.asarray(found.bootstrap_distribution)
    usable = np.isfinite(drawn).all(axis=0)
    if interval == "bias-corrected":
        ends = bias_corrected(estimates, drawn[:, usable], level)
    elif usable.all():
        ends = np.stack([found.confidence_interval.low, found.confidence_interval.high])
    else:
        raise PathError("some resamples cannot tell causes apart; interval='bias-corrected' leaves them out")
    width = drawn[:, usable].std(axis=1, ddof=1)
    p = _p_values(estimates, drawn[:, usable])
    implied = model.implied(s)
    fitted = _fit_measures(model, s, implied, data.shape[1])
    plain, standard = model.chains(s), model.chains(_correlation(s))
    at = len(model.paths)
    scaled = model.coefficients(_correlation(s))
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
    """
    n = fit.n if people is None else people
    order = list(fit.covariance.columns)
    model = _Model(order, fit.equations)
    true = model.chains(fit.covariance.to_numpy())
    at = len(model.paths)
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(fit.covariance.to_numpy())
    covered, without_zero = np.zeros(len(true), dtype=int), np.zeros(len(true), dtype=int)
    total = np.zeros(len(true))
    for _ in range(simulations):
        data = root @ rng.normal(size=(len(order), n))
        estimates = model.quantities(np.cov(data, bias=True))[at:]
        drawn = model.quantities(_covariances(data[:, rng.integers(0, n, (resamples, n))].transpose(1, 0, 2)))[at:]
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


def causal_order(equations: Equations) -> list[str]:
    """All variables, causes before what they cause; ``PathError`` where one causes itself by some way round."""
    names = list(dict.fromkeys([*(c for causes in equations.values() for c in causes), *equations]))
    order: list[str] = []
    waiting = list(names)
    while waiting:
        ready = [name for name in waiting if all(cause in order for cause in equations.get(name, ()))]
        if not ready:
            raise PathError(f"{', '.join(waiting)}: cause themselves by some way round; leave out one path")
        order += ready
        waiting = [name for name in waiting if name not in ready]
    if len(names) == len([name for name in names if not equations.get(name)]):
        raise PathError("there is no path; name causes of at least one variable")
    return order


class _Model:
    """What follows from covariances (..., variables, variables), variables in causal order."""

    def __init__(self, order: Sequence[str], causes: Mapping[str, Sequence[str]]) -> None:
        self.order, self.causes = list(order), causes
        self.place = {name: k for k, name in enumerate(order)}
        self.paths = [(cause, effect) for effect in order for cause in causes.get(effect, ())]
        number = {path: k for k, path in enumerate(self.paths)}
        self._chains: list[tuple[str, list[list[int]]]] = []
        first = [name for name in order if name not in causes]
        last = [name for name in order if name in causes and not any(name in own for own in causes.values())]
        for start in first:
            for end in last:
                routes = self._routes(start, end)
                numbers = [[number[step] for step in itertools.pairwise(route)] for route in routes]
                for route, own in zip(routes, numbers, strict=True):
                    if len(own) > 1:
                        self._chains.append((ARROW.join(route), [own]))
                if len(routes) > 1:
                    self._chains.append((f"total: {start}{ARROW}{end}", numbers))
        self.chain_names = [name for name, _ in self._chains]

    def _routes(self, start: str, end: str) -> list[list[str]]:
        if start == end:
            return [[end]]
        return [[*route, end] for cause in self.causes.get(end, ()) for route in self._routes(start, cause)]

    def coefficients(self, s: np.ndarray) -> np.ndarray:
        """Of every path, (paths, ...); NaN where causes cannot be told apart."""
        found = []
        for effect, causes in self.causes.items():
            at = [self.place[name] for name in causes]
            among, to = s[..., at, :][..., at], s[..., at, self.place[effect]]
            good = np.linalg.cond(among) < _SINGULAR
            safe = np.where(good[..., None, None], among, np.eye(len(at)))
            b = np.linalg.solve(safe, to[..., None])[..., 0]
            found.append(np.where(good[..., None], b, np.nan))
        return np.moveaxis(np.concatenate(found, axis=-1), -1, 0)

    def chains(self, s: np.ndarray) -> np.ndarray:
        """Effects along every chain, and totals, (chains, ...)."""
        b = self.coefficients(s)
        rows = [sum(np.prod(b[own], axis=0) for own in several) for _, several in self._chains]
        return np.array(rows).reshape(len(rows), *s.shape[:-2])

    def quantities(self, s: np.ndarray) -> np.ndarray:
        """Coefficients of all paths, then effects of all chains."""
        return np.concatenate([self.coefficients(s), self.chains(s)])

    def residual_variances(self, s: np.ndarray) -> dict[str, float]:
        b = dict(zip(self.paths, self.coefficients(s), strict=True))
        return {
            name: float(s[k, k] - sum(b[cause, name] * s[self.place[cause], k] for cause in self.causes[name]))
            for k, name in enumerate(self.order) if name in self.causes
        }  # fmt: skip

    def implied(self, s: np.ndarray) -> np.ndarray:
        """Covariances that the fitted model implies; those of the first causes are as they are."""
        size = len(self.order)
        b = np.zeros((size, size))
        for (cause, effect), value in zip(self.paths, self.coefficients(s), strict=True):
            b[self.place[effect], self.place[cause]] = value
        errors = np.zeros((size, size))
        first = [self.place[name] for name in self.order if name not in self.causes]
        errors[np.ix_(first, first)] = s[np.ix_(first, first)]
        for name, variance in self.residual_variances(s).items():
            errors[self.place[name], self.place[name]] = variance
        out = np.linalg.inv(np.eye(size) - b)
        made: np.ndarray = out @ errors @ out.T
        return made

    @property
    def df(self) -> int:
        first = len(self.order) - len(self.causes)
        return len(self.order) * (len(self.order) - 1) // 2 - first * (first - 1) // 2 - len(self.paths)


def _fit_measures(model: _Model, s: np.ndarray, implied: np.ndarray, n: int) -> dict[str, Any]:
    df = model.df
    value = float(
        np.linalg.slogdet(implied)[1] - np.linalg.slogdet(s)[1] + np.trace(s @ np.linalg.inv(implied)) - len(s)
    )
    statistic = max(n * value, 0.0)
    off = (_correlation(s) - implied / np.sqrt(np.outer(np.diag(s), np.diag(s))))[np.tril_indices(len(s))]
    if df == 0:
        return dict(chi_squared=math.nan, df=0, p=math.nan, rmsea=math.nan, srmr=float(np.sqrt((off**2).mean())))
    return dict(chi_squared=statistic, df=df, p=float(chi2.sf(statistic, df)),
                rmsea=math.sqrt(max(statistic - df, 0.0) / (df * n)), srmr=float(np.sqrt((off**2).mean())))  # fmt: skip


def _complete(
    table: pandas.DataFrame, order: Sequence[str], causes: Mapping[str, Sequence[str]]
) -> tuple[pandas.DataFrame, int]:
    """The columns asked for of the people who have all of them, and how many have not."""
    absent = [name for name in order if name not in table]
    if absent:
        raise PathError(f"{', '.join(absent)}: no such column; the table has {', '.join(map(str, table.columns))}")
    chosen = table[list(order)]
    for name in order:
        if not pandas.api.types.is_numeric_dtype(chosen[name]):
            raise PathError(f"{name}: is not of numbers; give its values as numbers")
    whole = chosen[np.isfinite(chosen.to_numpy(float)).all(axis=1)]
    most = max(len(own) for own in causes.values())
    if len(whole) < most + 3:
        raise PathError(f"{len(whole)} people have every variable; at least {most + 3} are needed for {most} causes")
    for name in order:
        if np.ptp(whole[name].to_numpy(float)) == 0:
            raise PathError(
                f"{name}: is {whole[name].iloc[0]:g} for everybody; a constant explains nothing, leave it out"
            )
    return whole, len(table) - len(whole)


def _covariances(data: np.ndarray) -> np.ndarray:
    """Of samples (..., variables, people)."""
    off = data - data.mean(axis=-1, keepdims=True)
    found: np.ndarray = np.einsum("...in,...jn->...ij", off, off) / data.shape[-1]
    return found


def _correlation(s: np.ndarray) -> np.ndarray:
    sd = np.sqrt(np.diagonal(s, axis1=-2, axis2=-1))
    found: np.ndarray = s / (sd[..., :, None] * sd[..., None, :])
    return found


def _shares_below(estimates: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Share of resampled values below each estimate, ties by half, and never none or all of them."""
    n = drawn.shape[1]
    below = (drawn < estimates[:, None]).sum(axis=1) + 0.5 * (drawn == estimates[:, None]).sum(axis=1)
    found: np.ndarray = np.clip(below / n, 0.5 / n, 1 - 0.5 / n)
    return found


def _p_values(estimates: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The level at which the bias-corrected interval would end at zero."""
    shift = ndtri(_shares_below(estimates, drawn))
    z = ndtri(_shares_below(np.zeros(len(estimates)), drawn)) - 2 * shift
    found: np.ndarray = 2 * ndtr(-np.abs(z))
    return found
