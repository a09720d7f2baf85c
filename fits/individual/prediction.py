"""Connectome-based prediction of behaviour, and its test by permutation of the whole procedure.

Of a fold, with the people in it (the others) left out for the test (the training):

select     edges whose partial correlation with behaviour, given covariates, differs from zero at p among the training
sum        positive network = the sum of a person's edges selected with positive sign; negative network likewise
regress    behaviour on the sums among the training, by Huber's loss (at 1.345 robust standard deviations of the least-
           squares residuals)
predict    the people left out

and the score is the correlation of prediction with behaviour over everybody (Shen et al. 2017,
doi:10.1038/nprot.2016.178). Under the null hypothesis behaviour, or what covariates leave of it (Freedman & Lane 1983,
doi:10.2307/1391660), could belong to anybody: it is dealt anew, and everything from selection on is done again.

All permutations go through one matrix product. With C the covariates and the intercept, B = (CᵀC)⁻¹CᵀY of the training,

    X_TᵀY_T = XᵀY − X_HᵀY_H        (X_TᵀY_T − X_TᵀC_T B)/√(residual squares of x and y) = r, edges × permutations

taken a block of edges at a time, and the sums are products of X with zeros and ones. Edges are centred and kept in
single precision, products accumulate over blocks in double; an edge is selected or not at rounding error of about 1e-6
in r.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas
from scipy import stats
from scipy.optimize import least_squares

from .participants import PredictionError, checked, is_number

Network: TypeAlias = Literal["positive", "negative", "both"]
NETWORKS: tuple[Network, ...] = ("positive", "negative", "both")
_BLOCK = 1024  # edges at a time: with a thousand permutations 4 MB, which stays in cache
_HUBER = 1.345  # robust standard deviations: 95 % efficient where errors are normal
_ALPHA = 0.05


@dataclass(frozen=True, eq=False)
class ConnectomePrediction:
    """Behaviour predicted from connectomes.

    Attributes
    ----------
    scores : DataFrame
        A row a network: network, r (predicted and observed over people), explained (1 − squared errors over those of
        predicting the training mean; below 0 where that is better), p (permutation), null_mean, null_upper (95 %),
        selected (folds in which an edge was).
    predictions : DataFrame
        A row a person: participant, fold, observed (what the training's covariates leave of behaviour), and the
        prediction of each network.
    edges : DataFrame
        A row an edge: correlation with behaviour over everybody (partial, given covariates), p_family (of the largest
        absolute correlation of all edges, by permutation), positive, negative (folds in which it was selected).
    null : DataFrame
        r of every permutation (rows) and network.
    notes : tuple of str
        Networks of which no fold selected an edge. Their predictions differ between folds by the intercept alone,
        which says nothing of anybody: r is 0, and likewise of permutations.
    """

    folds: int
    threshold: float
    permutations: int
    seed: int
    scores: pandas.DataFrame
    predictions: pandas.DataFrame = field(repr=False)
    edges: pandas.DataFrame = field(repr=False)
    null: pandas.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()


def predict_behaviour(
    edges: np.ndarray,
    behaviour: pandas.Series | np.ndarray,
    *,
    covariates: pandas.DataFrame | np.ndarray | None = None,
    folds: int = 10,
    threshold: float = 0.01,
    permutations: int = 1000,
    networks: Sequence[Network] = NETWORKS,
    seed: int = 1,
    progress: Callable[[int], Any] | None = None,
) -> ConnectomePrediction:
    """Predict behaviour from connectomes, each person by a model that never saw them.

    Parameters
    ----------
    edges : (people, edges) array
        Connectivities, such as Fisher's z, of the people in the order of behaviour. Folds are drawn by that order.
    behaviour : (people,) Series or array
        A Series names the participants.
    covariates : (people, covariates), optional
        What edges and behaviour are held constant of, such as motion and age. Tables are matched with behaviour by
        the participants that index them; arrays are taken in order.
    folds : int
    threshold : float
        p (two-sided) at which an edge is selected.
    permutations : int
        0 for none.
    networks : sequence of {"positive", "negative", "both"}
        What is regressed on: either sum, or both.
    seed : int
        Of folds and permutations.
    progress : callable, optional
        Called with its number when a fold has ended.

    Raises
    ------
    PredictionError
        Shapes or participants that do not agree, values that are not finite, no edges, a constant behaviour or
        covariate, a behaviour that follows from covariates, too few people.
    """
    if not (is_number(threshold) and 0 < threshold < 1):
        raise PredictionError(f"threshold is {threshold!r}; give a p between 0 and 1")
    if not (is_number(permutations, Integral) and permutations >= 0):
        raise PredictionError(f"permutations is {permutations!r}; give a whole number of 0 or more")
    if not (is_number(folds, Integral) and folds >= 2):
        raise PredictionError(f"folds is {folds!r}; give a whole number of at least 2, or nobody is left out")
    asked = [] if networks is None or isinstance(networks, str) else list(networks)
    if not asked or len(asked) != len(set(asked)) or any(name not in NETWORKS for name in asked):
        raise PredictionError(f"networks is {networks!r}; give a list of some of {', '.join(NETWORKS)}, each once")
    x, y, c, names = checked(edges, behaviour, covariates, folds)
    rng = np.random.default_rng(seed)
    n = len(y)
    fold = np.empty(n, dtype=np.intp)
    fold[rng.permutation(n)] = np.arange(n) % folds
    left = y - c @ np.linalg.lstsq(c, y, rcond=None)[0]
    dealt = np.column_stack([y, *(y - left + left[rng.permutation(n)] for _ in range(permutations))])
    dealt -= dealt.mean(axis=0)
    found = _Selection(x, dealt, c, fold, folds, threshold)
    sums, counts = found.sums, found.counts
    signs = [[NETWORKS.index(network)] if network != "both" else [0, 1] for network in networks]
    predicted = np.empty((len(networks), n, permutations + 1))
    observed, baseline = np.empty_like(dealt), np.empty_like(dealt)
    for k in range(folds):
        test = fold == k
        own = dealt - c @ np.linalg.lstsq(c[~test], dealt[~test], rcond=None)[0]
        observed[test], baseline[test] = own[test], own[~test].mean(axis=0)
        for m in range(permutations + 1):
            for number, which in enumerate(signs):
                predicted[number, test, m] = regressed(sums[k][which, :, m].T, own[:, m], test)
        if progress is not None:
            progress(k)
    selected = np.array([found.selected[:, which].any(axis=1).sum(axis=0) for which in signs])
    r = np.where(selected > 0, [_correlations(own, observed) for own in predicted], 0.0)
    errors = ((predicted[:, :, 0] - observed[:, 0]) ** 2).sum(axis=1)
    least = ((baseline[:, 0] - observed[:, 0]) ** 2).sum()
    scores = pandas.DataFrame(
        dict(network=list(networks), r=r[:, 0], explained=1 - errors / least,
             p=[_p_value(own[0], own[1:]) for own in r], null_mean=_over(np.mean, r), null_upper=_over(_upper, r),
             selected=selected[:, 0])
    )  # fmt: skip
    table = pandas.DataFrame({"participant": names, "fold": fold, "observed": observed[:, 0]})
    for number, network in enumerate(networks):
        table[network] = predicted[number, :, 0]
    strongest = np.sort(found.largest[1:])
    larger = permutations - np.searchsorted(strongest, np.abs(found.correlations) * (1 - 1e-6))
    family = (1 + larger) / (1 + permutations) if permutations else np.full(x.shape[1], math.nan)
    per_edge = pandas.DataFrame(
        dict(correlation=found.correlations, p_family=family, positive=counts[0], negative=counts[1])
    )
    null = pandas.DataFrame(r[:, 1:].T, columns=list(networks))
    notes = tuple(f"{network}: no fold selected an edge at p < {threshold:g}; nothing is predicted, and r is 0"
                  for network, some in zip(networks, selected[:, 0], strict=True) if not some)  # fmt: skip
    return ConnectomePrediction(folds, threshold, permutations, seed, scores, table, per_edge, null, notes)


def regressed(sums: np.ndarray, behaviour: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Predictions for the people of ``test`` (a truth a person) from their sums (people, networks), by Huber's loss.

    A sum that is the same for all of the training, such as one of no edges, is left out.
    """
    train = ~test
    centre, scale = sums[train].mean(axis=0), sums[train].std(axis=0)
    varied = scale > 1e-6 * np.abs(sums[train]).max(axis=0)
    inputs = np.column_stack([np.ones(len(sums)), (sums[:, varied] - centre[varied]) / scale[varied]])
    design, y = inputs[train], behaviour[train]
    start = np.linalg.lstsq(design, y, rcond=None)[0]
    left = y - design @ start
    spread = float(stats.median_abs_deviation(left, scale="normal"))  # about the median, which outliers leave alone
    if spread <= 1e-12 * float(np.abs(y).max()):  # on the line, most of them: nothing to be robust against
        found: np.ndarray = inputs[test] @ start
        return found
    left /= spread

    def residuals(change: np.ndarray) -> np.ndarray:
        return np.asarray(design @ change - left)

    def slopes(change: np.ndarray) -> np.ndarray:
        return design

    # the change from least squares, in robust standard deviations: the first step's size is that of where it begins
    change = least_squares(residuals, np.zeros(len(start)), jac=slopes, loss="huber", f_scale=_HUBER).x
    found = inputs[test] @ (start + spread * change)
    return found


class _Selection:
    """Edges selected in every fold for every dealing of behaviour, and the sums of them.

    Attributes
    ----------
    sums : (folds, 2, people, dealings) array
        Of the positive and the negative network.
    selected : (folds, 2, dealings) array of bool
        Whether they have an edge.
    counts : (2, edges) array
        Folds in which an edge was selected, for behaviour as it is.
    correlations : (edges,) array
        With behaviour as it is, over everybody.
    largest : (dealings,) array
        The largest absolute correlation over everybody, of all edges.
    """

    def __init__(
        self, x: np.ndarray, dealt: np.ndarray, c: np.ndarray, fold: np.ndarray, folds: int, threshold: float
    ) -> None:
        n, size = x.shape
        dealings = dealt.shape[1]
        self.sums = np.zeros((folds, 2, n, dealings))
        self.selected = np.zeros((folds, 2, dealings), dtype=bool)
        self.counts = np.zeros((2, size), dtype=int)
        self.correlations = np.empty(size)
        self.largest = np.zeros(dealings)
        single = dealt.astype(np.float32)
        parts = [_Part(dealt, c, fold != k) for k in range(folds)]
        whole = _Part(dealt, c, np.ones(n, dtype=bool))
        held = [np.flatnonzero(fold == k) for k in range(folds)]
        for begin in range(0, size, _BLOCK):
            here = slice(begin, begin + _BLOCK)
            block = x[:, here].astype(np.float64)
            block -= block.mean(axis=0)
            short = block.astype(np.float32)
            everybody = _Products(short.T @ single, block.T @ c, (block**2).sum(axis=0))
            r = whole.correlations(everybody)
            self.correlations[here] = r[:, 0]
            np.maximum(self.largest, np.abs(r).max(axis=0), out=self.largest)
            for k, part in enumerate(parts):
                own, few = block[held[k]], short[held[k]]
                r = part.correlations(
                    _Products(everybody.behaviour - few.T @ single[held[k]], everybody.covariates - own.T @ c[held[k]],
                              everybody.squares - (own**2).sum(axis=0))
                )  # fmt: skip
                least = _least_correlation(threshold, len(part.c), c.shape[1])
                for sign, chosen in enumerate((r > least, r < -least)):
                    self.counts[sign, here] += chosen[:, 0]
                    self.selected[k, sign] |= chosen.any(axis=0)
                    self.sums[k, sign] += short @ chosen.astype(np.float32)


class _Products(NamedTuple):
    """Of edges with behaviour (edges, dealings) and covariates (edges, covariates), and their squares (edges,)."""

    behaviour: np.ndarray
    covariates: np.ndarray
    squares: np.ndarray


class _Part:
    """Some of the people, with what of behaviour the covariates leave."""

    def __init__(self, dealt: np.ndarray, c: np.ndarray, people: np.ndarray) -> None:
        self.c = c[people]
        self.inverse = np.linalg.inv(self.c.T @ self.c)
        self.explained = self.inverse @ (self.c.T @ dealt[people])
        self.spread = np.sqrt(((dealt[people] - self.c @ self.explained) ** 2).sum(axis=0))

    def correlations(self, own: _Products) -> np.ndarray:
        """Partial correlations (edges, dealings); 0 for an edge that is constant or follows from covariates."""
        squares = own.squares - np.einsum("ei,ij,ej->e", own.covariates, self.inverse, own.covariates)
        good = squares > 1e-10 * np.maximum(own.squares, 1e-300)
        scale = np.where(good, 1 / np.sqrt(np.where(good, squares, 1.0)), 0.0)
        r: np.ndarray = own.behaviour - (own.covariates @ self.explained).astype(np.float32)
        r *= scale[:, None].astype(np.float32)
        r /= self.spread.astype(np.float32)
        return r


def _least_correlation(p: float, people: int, regressors: int) -> float:
    """The correlation that is significant at p (two-sided), given covariates and an intercept."""
    df = people - regressors - 1
    t = float(stats.t.isf(p / 2, df))
    return t / math.sqrt(df + t * t)


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of columns; 0 where one is constant, for a constant predicts nothing."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    found: np.ndarray = np.where(scale > 0, (a * b).sum(axis=0) / np.where(scale > 0, scale, 1.0), 0.0)
    return found


def _p_value(observed: float, null: np.ndarray) -> float:
    return (1 + int((null >= observed).sum())) / (1 + len(null)) if len(null) else math.nan


def _upper(values: np.ndarray) -> float:
    return float(np.quantile(values, 1 - _ALPHA))


def _over(measure: Callable[[np.ndarray], Any], r: np.ndarray) -> list[float]:
    return [float(measure(own[1:])) if len(own) > 1 else math.nan for own in r]
