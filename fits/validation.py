"""Does biology estimated on some studies predict another, and are predictions as sure as they claim to be?

What transfers between studies is the biology they share: time constants and gains. What is peculiar to one (doses,
encoding strengths, criteria) cannot be known from others. Leaving a study out therefore means: the biology comes from
the other studies, jointly; with it held fixed, the study's own parameters are estimated on the study itself. A poor
likelihood then says that the biology does not transfer; a good one does not say that the study was foreseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas
from scipy.stats import binomtest, chi2, kstest

from engram.consolidation import ConsolidationModel

from .estimation import Fit, fit
from .execution import Workers
from .prediction import NODES, model_class
from .study import Study


@dataclass(frozen=True)
class Transfer:
    """Every study predicted with the biology of the others.

    Attributes
    ----------
    table : DataFrame
        A row a study: study, n_observations, log_likelihood with the biology of the others (``transferred``), with its
        own best (``own``) and with the model's values (``default``), each with the study's own parameters estimated;
        ``lost`` = own − transferred; ``gained`` = transferred − default; ``estimated``, how many biological parameters
        the study feels and the others estimate; ``p_value`` of twice the loss on that many degrees of freedom, which
        takes the others' estimates for certain and so errs towards a failure of transfer.
    biology : DataFrame
        study (left out), parameter, unit, estimate by the others, verdict. Biology that they do not feel keeps the
        model's value and is not here.
    predictions : DataFrame
        Observations of every study as predicted with the biology of the others; as ``Fit.predictions``.
    """

    model: str
    table: pandas.DataFrame
    biology: pandas.DataFrame
    predictions: pandas.DataFrame


def leave_one_out(
    studies: Sequence[Study],
    model: str | ConsolidationModel,
    *,
    starts: int = 4,
    seed: int = 1,
    workers: Workers = None,
    priors: bool = False,
    begin: Mapping[str, float] | None = None,
    progress: Callable[[int], Any] | None = None,
) -> Transfer:
    """Predict each study with the biology that the others estimate; see the module for what this tests.

    Parameters
    ----------
    studies : sequence of Study
        Two or more.
    model, starts, seed, workers, priors, progress
        As in :func:`fits.fit`, of which four are made for each study.
    begin : mapping of str to float, optional
        Where the first start of each joint fit begins: ``optimum`` of the fit to all studies, near which it will end.

    Raises
    ------
    ValueError
        Fewer than two studies, or one given twice.
    FitError
        One of the fits did not converge.
    LostWorkers
        The executor has gone.
    """
    identifiers = [study.id for study in studies]
    if len(identifiers) < 2:
        raise ValueError(f"{len(identifiers)} study given; to leave one out takes at least two")
    if len(set(identifiers)) < len(identifiers):
        raise ValueError(f"a study is there twice among {', '.join(identifiers)}; it cannot predict itself")
    instance = model_class(model)(nodes=NODES) if isinstance(model, str) else model

    def run(chosen: Sequence[Study], of: ConsolidationModel, shared: bool) -> Fit:
        return fit(chosen, of, starts=starts, seed=seed, workers=workers, shared=shared, priors=priors,
                   begin=begin if shared else None, progress=progress)  # fmt: skip

    rows, biology, predictions = [], [], []
    for study in studies:
        others = run([other for other in studies if other.id != study.id], instance, True)
        known = others.estimates[others.estimates.study == "shared"]
        learnt = dict(zip(known.parameter, known.estimate.astype(float), strict=True))
        transferred = run([study], with_biology(instance, learnt), False)
        default, own = run([study], instance, False), run([study], instance, True)
        felt = [name for name in own.estimates.parameter[own.estimates.study == "shared"] if name in learnt]
        best = max(own.log_likelihood, transferred.log_likelihood, default.log_likelihood)  # all nested in own
        lost = best - transferred.log_likelihood
        rows.append(
            dict(study=study.id, n_observations=own.n_observations, transferred=transferred.log_likelihood, own=best,
                 default=default.log_likelihood, lost=lost,
                 gained=transferred.log_likelihood - default.log_likelihood, estimated=len(felt),
                 p_value=float(chi2.sf(2 * lost, len(felt))) if felt else np.nan)
        )  # fmt: skip
        biology += [dict(study=study.id, parameter=row.parameter, unit=row.unit, estimate=row.estimate,
                         verdict=row.verdict) for row in known.itertuples()]  # fmt: skip
        predictions.append(transferred.predictions)
    return Transfer(
        type(instance).__name__,
        pandas.DataFrame(rows),
        pandas.DataFrame(biology, columns=["study", "parameter", "unit", "estimate", "verdict"]),
        pandas.concat(predictions, ignore_index=True),
    )


def with_biology(model: ConsolidationModel, values: Mapping[str, float]) -> ConsolidationModel:
    """The model with these parameters; those of a neuromodulator are named as ``"dopamine.drive_clearance"``."""
    changes: dict[str, dict[str, float]] = {}
    for name, value in values.items():
        owner, _, key = name.rpartition(".")
        changes.setdefault(owner, {})[key] = value
    modulators = tuple(
        replace(modulator, **changes[modulator.name]) if modulator.name in changes else modulator
        for modulator in model.neuromodulators
    )
    return model.with_(neuromodulators=modulators, **changes.get("", {}))


def detection_calibration(predictions: pandas.DataFrame, bins: int = 4) -> pandas.DataFrame:
    """How often effects were found, against the probability predicted for it.

    Parameters
    ----------
    predictions : DataFrame
        As ``Fit.predictions`` or ``Transfer.predictions``; of its rows those of kind "detected".
    bins : int
        Of equal width, from 0 to 1.

    Returns
    -------
    DataFrame
        lower, upper (of the bin), n, predicted (mean probability), found (observed frequency), found_lower and
        found_upper (95 % Clopper-Pearson), p_value (exact binomial test of the mean probability); empty bins are left
        out.

    Raises
    ------
    ValueError
        Fewer than one bin, or columns missing.
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; give at least 1")
    _columns(predictions, ("kind", "observed", "power"))
    rows = predictions[predictions.kind == "detected"]
    power, found = rows.power.to_numpy(float), rows.observed.to_numpy(bool)
    number = np.minimum((power * bins).astype(int), bins - 1)
    table = []
    for k in sorted(set(number.tolist())):
        inside = number == k
        mean = float(np.clip(power[inside].mean(), 0.0, 1.0))
        test = binomtest(int(found[inside].sum()), int(inside.sum()), mean)
        ends = test.proportion_ci(0.95)
        table.append(dict(lower=k / bins, upper=(k + 1) / bins, n=int(inside.sum()), predicted=mean,
                          found=float(found[inside].mean()), found_lower=float(ends.low), found_upper=float(ends.high),
                          p_value=float(test.pvalue)))  # fmt: skip
    columns = ["lower", "upper", "n", "predicted", "found", "found_lower", "found_upper", "p_value"]
    return pandas.DataFrame(table, columns=columns)


def residual_calibration(predictions: pandas.DataFrame) -> pandas.DataFrame:
    """Distribution of standardised residuals of observed means, by study and for "all".

    Residuals about a fit are narrower than a standard normal, as its parameters were estimated on the same
    observations; wider ones mean a misfit or standard errors that are too small.

    Returns
    -------
    DataFrame
        study, n, mean, sd, beyond (share outside ± 1.96), p_value (Kolmogorov-Smirnov against the standard normal).
    """
    _columns(predictions, ("kind", "study", "standardised_residual"))
    means = predictions[predictions.kind == "mean"]
    rows = []
    for study, group in [*means.groupby("study", sort=False), ("all", means)]:
        values = group.standardised_residual.dropna().to_numpy(float)
        if len(values):
            spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
            rows.append(dict(study=study, n=len(values), mean=float(values.mean()), sd=spread,
                             beyond=float((np.abs(values) > 1.96).mean()), p_value=float(kstest(values, "norm").pvalue))
                        )  # fmt: skip
    return pandas.DataFrame(rows, columns=["study", "n", "mean", "sd", "beyond", "p_value"])


def _columns(table: pandas.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in table:
            raise ValueError(f"predictions have no column {name!r}; give those of a fit")
