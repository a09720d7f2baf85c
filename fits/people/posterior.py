"""The full posterior of a population and its people by Hamiltonian Monte Carlo (the extra ``engram[posterior]``).

The No-U-Turn sampler of nutpie runs on the exact gradient of :mod:`fits.people.density`; what it returns is an ArviZ
InferenceData. Priors are those of :mod:`fits.people.population`, so that EM's answer is an approximation of this one.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas

from ..execution import Workers, completed
from .density import JointDensity
from .fit import PeopleFit
from .population import Population

_INSTALL = "pip install 'engram[posterior]'"
LARGEST_RHAT = 1.01


@dataclass(frozen=True, eq=False)
class PeoplePosterior:
    """Draws from the posterior of a population and its people.

    Attributes
    ----------
    data : arviz.InferenceData
        posterior: median (parameter) in the parameter's unit, mean and spread (parameter) of η, effect (parameter,
        covariate), eta and value (participant, parameter); sample_stats: those of the sampler.
    summary : DataFrame
        A row a quantity of the population and a person's value: quantity, participant, parameter, mean, sd, lower,
        upper (95 %, equal tails), r_hat, ess_bulk, ess_tail.
    divergences : int
    seconds : float
    """

    fit: PeopleFit
    data: Any = field(repr=False)
    summary: pandas.DataFrame = field(repr=False)
    divergences: int
    seconds: float
    evaluations: int

    @property
    def converged(self) -> bool:
        """All R-hat below 1.01 and no divergences."""
        return bool((self.summary.r_hat < LARGEST_RHAT).all()) and not self.divergences

    def draws(self) -> tuple[list[Population], np.ndarray]:
        """Populations, and everybody's η (draws, people, parameters), chain after chain."""
        found = self.data.posterior
        stacked = found.stack(sample=("chain", "draw")).transpose("sample", ...)
        effects = stacked["mean"].to_numpy()[..., None]
        if "effect" in stacked:
            effects = np.concatenate([effects, stacked["effect"].to_numpy()], axis=-1)
        spreads = stacked["spread"].to_numpy()
        return [Population(e, s) for e, s in zip(effects, spreads, strict=True)], stacked["eta"].to_numpy()


def sample_people(
    fit: PeopleFit,
    *,
    draws: int = 500,
    tune: int = 300,
    chains: int = 4,
    seed: int = 1,
    workers: Workers = None,
    keep: Callable[[int, Any], Any] | None = None,
    done: Mapping[int, Any] | None = None,
    progress: bool = False,
) -> PeoplePosterior:
    """Sample the posterior of which ``fit`` is the approximation.

    Parameters
    ----------
    fit : PeopleFit
        Its likelihoods and covariates; it also places the sampler's coordinates and starts.
    draws, tune, chains : int
        Draws kept and thrown away of each chain.
    seed : int
    workers : int or Executor, optional
        Chains at a time (as many as there are processors by default), or what runs them, each on its own, such as
        :func:`fits.execution.processes`, which is faster; the draws do not depend on it.
    keep, done : optional
        A chain is kept as it ends, and those of ``done`` are not sampled again (:func:`fits.execution.completed`).
    progress : bool
        Whether the sampler shows a bar.

    Raises
    ------
    ImportError
        nutpie or ArviZ is not installed.
    """
    _, arviz = needed()
    for what, number in (("draws", draws), ("tune", tune), ("chains", chains)):
        if number < 1:
            raise ValueError(f"{what} is {number}; give at least 1")
    began = time.perf_counter()
    tasks = [(fit, draws, tune, seed, chain, progress) for chain in range(chains)]
    sampled = completed(_chain, tasks, workers=workers, keep=keep, done=done)
    data = _joined(arviz, sampled, fit)
    seconds = time.perf_counter() - began
    return PeoplePosterior(
        fit=fit, data=data, summary=_summary(arviz, data, fit), seconds=seconds,
        divergences=int(data.sample_stats["diverging"].sum()), evaluations=sum(one["evaluations"] for one in sampled),
    )  # fmt: skip


def _chain(fit: PeopleFit, draws: int, tune: int, seed: int, chain: int, progress: bool) -> dict[str, Any]:
    """One chain, whose seed is its own: draws by name, statistics of the sampler, evaluations of the density."""
    nutpie, _ = needed()
    density = JointDensity(fit)
    counted = [0]

    def log_density() -> Any:
        def evaluate(place: np.ndarray) -> tuple[float, np.ndarray]:
            counted[0] += 1
            return density(place)

        return evaluate

    coords, kinds = _axes(fit)

    def expander(*_: Any) -> Any:
        def expand(place: np.ndarray) -> dict[str, np.ndarray]:
            population = density.population(place)
            values = dict(mean=population.effects[:, 0], spread=population.spread, eta=density.etas(place),
                          effect=population.effects[:, 1:])  # fmt: skip
            return {name: np.ascontiguousarray(values[name]) for name in kinds}

        return expand

    shapes = [tuple(len(coords[axis]) for axis in axes) for axes in kinds.values()]
    model = nutpie.compiled_pyfunc.from_pyfunc(
        density.n_dim, log_density, expander, [np.dtype("float64")] * len(kinds), shapes, list(kinds), coords=coords,
        dims=kinds,
        make_initial_point_fn=lambda chain_seed: np.random.default_rng(chain_seed).normal(0, 0.5, density.n_dim),
    )  # fmt: skip
    own = int(np.random.SeedSequence([seed, chain]).generate_state(1)[0])
    data = nutpie.sample(model, draws=draws, tune=tune, chains=1, cores=1, seed=own, save_warmup=False,
                         progress_bar=progress)  # fmt: skip
    statistics = {name: values.to_numpy()[0] for name, values in data.sample_stats.items()}
    return {
        "draws": {name: data.posterior[name].to_numpy()[0] for name in kinds},
        "statistics": {
            name: values.astype(np.int64) if values.dtype.kind == "u" else values
            for name, values in statistics.items() if values.shape == (draws,)
        },
        "evaluations": counted[0],
    }  # fmt: skip


def _axes(fit: PeopleFit) -> tuple[dict[str, list[str]], dict[str, tuple[str, ...]]]:
    """What the axes of draws are, and which each quantity that is sampled has."""
    kinds: dict[str, tuple[str, ...]] = {
        "mean": ("parameter",), "spread": ("parameter",), "eta": ("participant", "parameter"),
    }  # fmt: skip
    coords = {"parameter": list(fit.likelihood.scale.names), "participant": list(fit.likelihood.people)}
    if len(fit.covariates.columns):  # an axis of no length cannot be stored
        kinds["effect"] = ("parameter", "covariate")
        coords["covariate"] = [str(name) for name in fit.covariates]
    return coords, kinds


def _joined(arviz: Any, chains: Sequence[dict[str, Any]], fit: PeopleFit) -> Any:
    """Chains, as they were sampled or kept, as one InferenceData; with values in the parameters' units."""
    coords, kinds = _axes(fit)
    draws, statistics = (
        {name: np.array([np.asarray(one[group][name]) for one in chains]) for name in chains[0][group]}
        for group in ("draws", "statistics")
    )
    scale = fit.likelihood.scale
    draws |= {"median": scale.outward(draws["mean"]), "value": scale.outward(draws["eta"])}
    dims = {**kinds, "median": kinds["mean"], "value": kinds["eta"]}
    return arviz.from_dict(posterior=draws, sample_stats=statistics, coords=coords,
                           dims={name: list(axes) for name, axes in dims.items()})  # fmt: skip


def needed() -> tuple[Any, Any]:
    """nutpie and ArviZ; ``ImportError`` says how to get them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of a rearrangement of ArviZ that does not concern us
            import arviz
            import nutpie
            import nutpie.compiled_pyfunc
    except ImportError as error:
        raise ImportError(f"sampling needs nutpie and arviz ({error}); install them: {_INSTALL}") from None
    return nutpie, arviz


def _summary(arviz: Any, data: Any, fit: PeopleFit) -> pandas.DataFrame:
    tables = []
    for name in ("median", "spread", "effect", "value"):
        if name not in data.posterior:
            continue
        found = data.posterior[[name]]
        stacked = found[name].stack(sample=("chain", "draw"))
        frame = stacked.mean("sample").to_dataframe("mean")
        frame["sd"] = stacked.std("sample").to_dataframe("sd")["sd"]
        for column, share in (("lower", 0.025), ("upper", 0.975)):
            frame[column] = stacked.quantile(share, "sample").drop_vars("quantile").to_dataframe(column)[column]
        for column, measure in (
            ("r_hat", arviz.rhat(found)),
            ("ess_bulk", arviz.ess(found, method="bulk")),
            ("ess_tail", arviz.ess(found, method="tail")),
        ):
            frame[column] = measure[name].to_dataframe(column)[column]
        tables.append(frame.reset_index().assign(quantity=name))
    table = pandas.concat(tables, ignore_index=True)
    for column in ("participant", "covariate"):
        table[column] = table[column].fillna("") if column in table else ""
    return table[["quantity", "participant", "parameter", "covariate", "mean", "sd", "lower", "upper", "r_hat",
                  "ess_bulk", "ess_tail"]]  # fmt: skip
