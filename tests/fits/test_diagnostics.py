"""Residuals are standard normal under the model; influence is what leaving out does."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.stats import norm
from test_study_files import ONE

from fits.diagnostics import residual_figure, residual_table, study_influence
from fits.estimation import at_bounds, fit, search
from fits.objective import Objective
from fits.study import load_study


@pytest.fixture
def one(tmp_path):
    path = tmp_path / "one.toml"
    path.write_text(ONE, encoding="utf-8")
    return load_study(path)


def with_values(study, *values, **how):
    first = study.observations[0]
    made = tuple(dataclasses.replace(first, name=f"o{k}", value=v, **how) for k, v in enumerate(values))
    return dataclasses.replace(study, observations=made)


def test_the_mean_of_equal_observations_shares_their_leverage(one):
    values = np.array([140.0, 150.0, 151.0, 163.0])
    table = residual_table(fit([with_values(one, *values)], "EncodingOnly", starts=1, shared=False))
    assert table.leverage.to_numpy() == pytest.approx(np.full(4, 0.25), abs=1e-4)
    assert table.residual.to_numpy() == pytest.approx((values - values.mean()) / 5, abs=1e-3)
    left_out = np.array([np.delete(values, k).mean() for k in range(4)]) - values.mean()
    assert table["shift"].to_numpy() == pytest.approx(left_out / 2.5, abs=1e-3)  # in standard errors
    assert table.cook.to_numpy() == pytest.approx((left_out / 2.5) ** 2, rel=0.01)
    assert (table.moves == "one.strength").all()


def test_an_observation_that_alone_determines_a_parameter_has_leverage_one(one):
    table = residual_table(fit([one], "EncodingOnly", starts=1, shared=False))
    assert table.leverage[0] == pytest.approx(1, abs=1e-4)
    assert np.isfinite(table.cook[0])


def test_detections_have_quantile_residuals(one):
    study = with_values(one, None, None, kind="detected", detected=True, error=20.0)
    found, missed = study.observations
    study = dataclasses.replace(study, observations=(found, dataclasses.replace(missed, detected=False)))
    fitted = fit([study], "EncodingOnly", starts=3, shared=False)
    table = residual_table(fitted)
    probability = np.exp(fitted.predictions.log_likelihood.to_numpy())
    assert table.residual[0] == pytest.approx(norm.ppf(1 - probability[0] / 2)) and table.residual[0] > 0
    assert table.residual[1] == pytest.approx(norm.ppf(probability[1] / 2)) and table.residual[1] < 0


def test_counts_have_quantile_residuals_that_are_standard_normal(one):
    rng = np.random.default_rng(5)
    study = with_values(one, *[None] * 300, kind="counts", count=0, n=50, divide_by=200.0)
    drawn = rng.binomial(50, 0.7, 300)
    made = tuple(dataclasses.replace(o, count=int(c)) for o, c in zip(study.observations, drawn, strict=True))
    table = residual_table(fit([dataclasses.replace(study, observations=made)], "EncodingOnly", starts=1, shared=False))
    assert table.residual.mean() == pytest.approx(0, abs=0.05)
    assert table.residual.std() == pytest.approx(1, abs=0.1)


def test_one_step_without_a_study_is_close_to_a_fit_without_it():
    names = ["frey_morris_1998", "commun_biol_2025", "nielson_powless_2007"]
    studies = [load_study(name) for name in names]
    fitted = fit(studies, "LinearCapture", starts=4, priors=True)
    table = study_influence(fitted).set_index(["left_out", "parameter"])
    left = "commun_biol_2025"
    rest = Objective(
        [s for s in studies if s.id != left], fitted.objective.model, fitted.objective.biology, priors=True
    )
    start = {c.name_in_full: x for c, x in zip(fitted.objective.coordinates, fitted.position, strict=True)}
    ended = search(rest, np.array([start[c.name_in_full] for c in rest.coordinates]))
    assert ended["converged"]
    compared = 0
    for coordinate, x in zip(rest.coordinates, ended["x"], strict=True):
        if coordinate.study == "shared" and (left, coordinate.name) in table.index:
            step = math.log(table.without[left, coordinate.name] / table.estimate[left, coordinate.name])
            actual = float(x) - start[coordinate.name]
            assert step == pytest.approx(actual, abs=0.02 + 0.15 * abs(actual)), coordinate.name
            compared += 1
    assert compared >= 2


def test_influence_needs_several_studies(one):
    with pytest.raises(ValueError, match="holds only one; leaving a study out takes a joint fit"):
        study_influence(fit([one], "EncodingOnly", starts=1, shared=False))


def test_the_figure_has_a_row_for_every_fitted_observation():
    fitted = fit([load_study("hennings_2021")], "EncodingOnly", starts=1, shared=False)
    figure = residual_figure(fitted)
    assert len(figure.axes[0].get_yticklabels()) == fitted.n_observations


def test_an_estimate_that_the_search_left_short_of_a_bound_is_at_it(one):
    beyond = fit([with_values(one, 210.0)], "EncodingOnly", starts=1, shared=False)
    objective, (low, high) = beyond.objective, beyond.objective.bounds[0]
    assert beyond.estimates.verdict[0] == "at bound"
    short = np.array([high - 3e-4 * (high - low)])  # 1e-6 of the width is more than a search settles for
    assert at_bounds(objective, short).tolist() == [True]
    inside = fit([with_values(one, 195.0 - 0.02)], "EncodingOnly", starts=1, shared=False)
    assert high - inside.position[0] < 1e-3 * (high - low) and inside.estimates.verdict[0] != "at bound"
