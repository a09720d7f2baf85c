"""What the section on visual learning says is computed from its tables, and what the data identify is recovered."""

import dataclasses
import math

import numpy as np
import pandas
import pytest
from scipy.special import ndtr, ndtri

from engram.perception import VisualReactivation, designs
from fits import vision
from fits.estimation import fit
from fits.objective import Objective
from fits.recovery import recover_parameters
from fits.sections import vision as section
from fits.sections import vision_words as words
from fits.sections.section import QUICK, Work
from fits.study import MEMORY, VISION, load_shipped, load_study
from fits.wording import fixed

STUDIES = load_shipped(VISION)


def fits_table(**aic):
    """Fits of the model and its variants with these AIC; others at 100."""
    rows = [("VisualReactivation", variant, 9 if variant in vision.OWN else 8) for variant in vision.VARIANTS]
    rows += [(name, vision.ONE_SHARE, 6) for name in ("IntegratedReweighting", "RewardReadout")]
    table = pandas.DataFrame(rows, columns=["model", "variant", "n_parameters"])
    key = {"base": vision.ONE_SHARE, "none": vision.NO_STIMULATION, "share": vision.OWN_SHARE,
           "alone": vision.OWN_ALONE, "error": vision.OWN_ERROR}  # fmt: skip
    values = {key[name]: value for name, value in aic.items() if name in key}
    table["aic"] = [values.get(v, 100.0) if m == "VisualReactivation" else aic.get("rival", 100.0)
                    for m, v in zip(table.model, table.variant, strict=True)]  # fmt: skip
    return table.assign(n_observations=28, log_likelihood=-0.5 * table.aic + table.n_parameters)


NO_INTERVALS = pandas.DataFrame(
    columns=["study", "parameter", "unit", "estimate", "lower", "upper", "verdict", "variant"]
)
SEPARATING = pandas.DataFrame(
    {"parameter": ["top_down", "ips_gain", "evc_gain"], "lowest": [0.1, 0.5, 0.6], "highest": [0.95, 0.8, 0.7]}
)


def predicted_table(*predicted):
    """A gain, a direction and a comparison that is only shown, with what the model predicts of them."""
    value, error = [1.0, np.nan, np.nan], [0.2, 0.1, 0.1]
    power = [np.nan, *(ndtr(p / e - ndtri(0.975)) for p, e in zip(predicted[1:], error[1:], strict=True))]
    return pandas.DataFrame(
        {
            "study": "xie_2025", "observation": ["gain", "direction", "comparison"], "model": "VisualReactivation",
            "variant": vision.ONE_SHARE, "kind": ["mean", "detected", "shown"], "value": value, "error": error,
            "found": [np.nan, "found", "found"], "predicted": predicted, "power": power, "log_likelihood": -1.0,
        }
    )  # fmt: skip


KEPT = predicted_table(1.1, 0.5, 0.5)


def verdict(predictions=KEPT, **aic):
    return words.conflict({"fits": fits_table(**aic), "intervals": NO_INTERVALS, "predictions": predictions})


def test_the_verdict_on_the_conflict_follows_the_aic():
    said = verdict(base=54.0, share=46.0, alone=60.0, none=53.6)
    assert said.startswith(
        "The conflict between the studies is not explained by their designs but absorbed by a top-down share of its own"
    )
    assert "a top-down share of its own for the study with stimulation changes AIC by −7.60, which is the best" in said
    assert "is not asked for with one biology (without it AIC changes by −0.40)" in said
    assert "is needed once the study has its own share (14.00)" in said
    said = verdict(base=54.0, share=55.0, alone=56.0, none=60.0)
    assert said.startswith("The designs explain the conflict as well as")
    assert "is needed with one biology (without it AIC changes by 6.00)" in said


def test_a_small_gain_or_a_missed_observation_leaves_the_conflict_open():
    """Against the better of the fits without a parameter of its own, here the one without stimulation."""
    assert verdict(base=54.0, share=51.5, alone=60.0, none=52.0).startswith("Whether their designs explain")
    assert verdict(base=54.0, share=49.9, alone=60.0, none=52.0).startswith("The conflict between the studies is not")
    missed = predicted_table(1.5, 0.5, 0.5)
    assert verdict(missed, base=54.0, share=55.0, alone=56.0, none=60.0).startswith("Whether their designs explain")
    only_shown = predicted_table(1.1, 0.5, 0.0)
    assert verdict(only_shown, base=54.0, share=55.0, alone=56.0, none=60.0).startswith("The designs explain")


def test_what_is_missed_is_said_with_its_numbers_and_what_is_shown_apart():
    gains = pandas.DataFrame({"study": ["xie_2025"]})
    said = words.failures({"predictions": predicted_table(1.5, 0.5, 0.0), "gains": gains})
    assert "misses 1 of 2 fitted observations: gain in xie_2025 (1 ± 0.2, predicted 1.5)." in said
    assert "Of the 1 gains of xie_2025 (sum of squared residuals 6.25)" in said
    assert "contradict it in 1 of 1: comparison in xie_2025 (found, predicted 0)." in said
    said = words.failures({"predictions": KEPT, "gains": gains})
    assert "misses none of 2 fitted observations" in said and "contradict" not in said


def test_the_best_model_and_what_separates_are_named():
    tables = {"fits": fits_table(base=54.0, share=46.0, none=53.5, rival=54.5), "separating": SEPARATING}
    assert "visual reactivation is lowest by 0.50, which is too little" in words.best(tables["fits"])
    assert "ahead of the next" in words.best(fits_table(base=54.0, rival=90.0))
    said = words.separator(tables)
    assert "the top-down share does so best (its AIC is 7.50 below that of the best fit without any)" in said
    assert "the top-down share from 0.10 to 0.95" in said
    unsure = words.separator({**tables, "fits": fits_table(base=54.0, share=52.5, none=53.5)})
    assert "1.00 below that of the best fit without any, which is too little to be sure" in unsure


def test_predictions_are_read_off_their_table():
    table = vision.foretold(VisualReactivation(evc_units=100, ips_units=100))
    said = words.foretold({"foretold": table})
    rows = table[(table.experiment == "sessions") & table.value.isin((0, 2, 8))]
    none, two, eight = (fixed(value) for value in rows.generalisation_late)
    assert f"is {eight} ({none} after the encoding session alone, {two} after two sessions)" in said
    assert set(table.experiment) == set(vision.FORETOLD)
    released = table[table.experiment == "dose"].groupby("released").value.count()
    assert released[vision.DOPAMINE] == released[vision.AS_DOPAMINE] == 11


def test_what_observations_of_areas_cost_the_rivals_is_said():
    seen = pandas.DataFrame(
        {
            "model": ["VisualReactivation"] * 2 + ["RewardReadout"] * 2, "variant": vision.ONE_SHARE,
            "observation": ["IPS, at once", "other directions"] * 2, "log_likelihood": [-1.0, -1.0, -4.0, -9.0],
        }
    )  # fmt: skip
    assert "makes up reward-driven read-out 6.00." in words.areas(seen)


def test_missed_means_and_directions_are_told_from_the_others():
    seen = pandas.DataFrame(
        {
            "kind": ["mean", "mean", "detected", "detected", "shown", "shown"],
            "value": [1.0, 1.0, *[np.nan] * 4], "error": [0.1] * 6, "predicted": [1.19, 1.21, *[0.0] * 4],
            "found": [np.nan, np.nan, "found", "found", "not found", "not found"],
            "power": [np.nan, np.nan, 0.051, 0.049, 0.949, 0.951],
        }
    )  # fmt: skip
    assert words.missed(seen).index.tolist() == [1, 3, 5]


def test_recovery_asks_for_identified_and_correlated_estimates():
    rng = np.random.default_rng(1)
    true = rng.random(10)
    table = pandas.concat(
        [
            pandas.DataFrame({"simulation": range(10), "study": "shared", "parameter": name, "true": true,
                              "estimate": estimate, "verdict": verdict})
            for name, estimate, verdict in (
                ("evc_gain", true + 0.01, "ok"), ("ips_gain", true + 0.01, "at bound"),
                ("top_down", rng.permutation(true), "ok"), ("practice_share", np.zeros(10), "ok"),
            )
        ],
        ignore_index=True,
    )  # fmt: skip
    said = words.recovered({"recovery": table})
    assert said.startswith("In 10 simulations about the optimum evc gain (100 %, 1.00) came back")
    assert "; ips gain (0 %, 1.00), top down (100 %, " in said
    assert said.endswith("practice share (100 %, 0.00) did not.")


def test_the_deciding_experiment_is_the_one_that_needs_fewest_people():
    table = pandas.DataFrame(
        {"experiment": ["a", "b"], "task": [0.2, 0.3], "length": [0.9, 0.8], "difference": [0.5, 1.0],
         "people": [40.2, 20.1]}
    )  # fmt: skip
    said = words.decides({"decisive": table})
    assert "one with b, and one with 120-trial reactivations" in said
    assert "0.30" in said and "21 people a group" in said
    assert "None of the experiments" in words.decides({"decisive": table.assign(people=math.inf)})


def test_stimulated_studies_are_found():
    assert vision.stimulated(STUDIES) == ["xie_2025"]


def test_a_prediction_error_of_its_own_changes_the_predictions():
    study = vision.with_prediction_error(load_study("kondat_2025"))
    objective = Objective([study], VisualReactivation())
    assert [c.name_in_full for c in objective.coordinates] == ["kondat_2025.prediction_error"]
    plain = Objective([load_study("kondat_2025")], VisualReactivation())
    np.testing.assert_array_equal(objective.predict(0, np.array([0.5])), plain.predict(0, np.zeros(0)))


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="unknown variant 'x'; use one of one biology for all"):
        vision.fit_variant(STUDIES, "x")


def test_the_index_rises_with_the_top_down_share_where_reactivation_is_all():
    protocol = designs.reactivation()
    low, high = (vision.index_at(VisualReactivation(top_down=share), protocol) for share in (0.05, 0.95))
    assert low < high <= 1


@pytest.fixture(scope="module")
def own_share():
    """The variant that absorbs the conflict, near its optimum."""
    begin = {"evc_gain": 6.2, "ips_gain": 9.2, "practice_share": 0.01, "top_down": 0.69, "stimulation_shift": 9.0,
             "transfer_time": 3.6e6, "amar_halpert_2017.baseline": 118.0, "xie_2025.gain_spread": 0.02,
             "top_down (xie_2025)": 0.4}  # fmt: skip
    return fit(STUDIES, vision.MODEL, starts=1, begin=begin, split={"top_down": {"xie_2025": "xie_2025"}})


def test_with_a_share_of_its_own_xie_has_less_and_the_likelihood_feels_it(own_share):
    """At the same place with one share for all, the likelihood is far lower."""
    optimum = dict(own_share.optimum)
    objective = Objective(STUDIES, VisualReactivation(), own_share.objective.biology)
    position = np.array([c.inward(optimum[c.name_in_full]) for c in objective.coordinates])
    assert own_share.log_likelihood > -objective.value(position) + 2
    assert optimum["top_down (xie_2025)"] < optimum["top_down"]


def test_gains_and_deciding_experiments_are_those_of_the_fit(own_share):
    table = vision.gains(own_share, "xie_2025", [0.0, 64.0])
    predicted = own_share.predictions.set_index("observation").predicted
    for row in table.to_dict("records"):
        name = f"{row['condition']}: {'trained' if row['offset'] == 0 else 'untrained'}"
        assert row["gain"] == pytest.approx(predicted[name], rel=1e-9)
    decisive = vision.decisive(own_share, "xie_2025", "song_2026")
    five = decisive[decisive.experiment.str.startswith("five")]
    assert (five.task < five.length).all() and np.isfinite(five.people).all()
    assert decisive[~decisive.experiment.str.startswith("five")].people.map(math.isinf).all()


def test_thresholds_against_offset_are_the_gains_on_another_scale(own_share):
    curves, points = vision.against_offset(own_share, [0.0, 64.0]), vision.measured(own_share)
    place = list(own_share.studies).index("xie_2025")
    own = {"gain_spread": own_share.optimum["xie_2025.gain_spread"]}
    spread = own_share.objective.predictors[place].response(own).spread
    drawn = curves[curves.study == "xie_2025"]
    gains = vision.gains(own_share, "xie_2025", [0.0, 64.0])
    np.testing.assert_allclose(-np.log(drawn.threshold) / spread, gains.gain, rtol=1e-9)
    seen = points[points.study == "xie_2025"].reset_index()
    published = [o for o in load_study("xie_2025").observations if o.kind == "mean"]
    for name, sign in (("threshold", 0), ("lower", 1), ("upper", -1)):
        expected = [o.value + sign * o.error for o in published]
        np.testing.assert_allclose(-np.log(seen[name]) / spread, expected, rtol=1e-9)
    assert sorted(set(seen.offset)) == [0.0, 64.0]
    baseline = own_share.optimum["amar_halpert_2017.baseline"]
    texture = points[points.study == "amar_halpert_2017"].set_index("condition")
    assert (1 - texture.threshold["reactivation"]) * baseline == pytest.approx(31.7)
    assert (1 - texture.lower["full practice"]) * baseline == pytest.approx(39.4 + 11.4)


def test_a_fit_is_at_least_as_likely_as_one_that_it_contains(own_share):
    again = vision.with_start(own_share, own_share.optimum)
    assert again.starts_run == own_share.starts_run + 1
    assert again.log_likelihood >= own_share.log_likelihood
    objective = own_share.objective
    shared = {k: v for k, v in own_share.optimum.items() if k != "top_down (xie_2025)"}
    began = np.array([c.inward(shared.get(c.name_in_full, shared.get(c.name))) for c in objective.coordinates])
    assert vision.with_start(own_share, shared).log_likelihood >= -objective.value(began)


def test_identified_parameters_are_recovered_from_precise_simulations():
    """With standard errors of a twentieth, the gain of EVC and the threshold before training come back."""
    sharp = tuple(
        dataclasses.replace(study, observations=tuple(
            dataclasses.replace(o, error=o.error / 20) for o in study.observations if o.kind == "mean"
        ))
        for study in STUDIES if any(o.kind == "mean" for o in study.observations)
    )  # fmt: skip
    truth = fit(sharp, vision.MODEL, starts=2)
    found = recover_parameters(sharp, vision.MODEL, n=2, truth=truth, spread=0.02, starts=1, compared=0)
    for name in ("evc_gain", "baseline"):
        rows = found.table[found.table.parameter == name]
        np.testing.assert_allclose(rows.estimate, rows.true, rtol=0.1)


def test_the_section_applies_to_studies_of_vision_alone():
    work = Work((), {}, load_shipped(MEMORY)[:1], (), QUICK, 1, 1)
    assert section.SECTION.pieces(work) == []
    names = [piece.name for piece in section.SECTION.pieces(dataclasses.replace(work, visual=STUDIES))]
    assert names == ["vision, integrated reweighting", "vision, reward-driven read-out",
                     "vision, visual reactivation and its variants", "vision, recovery"]  # fmt: skip
