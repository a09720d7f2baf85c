"""Random-effects model selection: against Gibbs sampling and quadrature of the same hierarchy."""

import numpy as np
import pandas
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp

from fits.random_effects import exceedance_probabilities, model_frequencies


def table(values):
    values = np.asarray(values, float)
    return pandas.DataFrame(
        values, index=[f"p{k}" for k in range(len(values))], columns=[f"m{k}" for k in range(values.shape[1])]
    )


def drawn(seed=5, participants=24):
    """Participants of whom most use the second of three models."""
    rng = np.random.default_rng(seed)
    used = rng.choice(3, size=participants, p=(0.2, 0.6, 0.2))
    values = rng.normal(0, 1.0, (participants, 3)) - 100
    values[np.arange(participants), used] += 4
    return values


def gibbs(values, steps=8_000, seed=1):
    """Samples of the frequencies: participants' models given frequencies, then frequencies given counts."""
    rng = np.random.default_rng(seed)
    frequencies = np.full(values.shape[1], 1 / values.shape[1])
    evidence = np.exp(values - values.max(axis=1, keepdims=True))
    samples = np.empty((steps, values.shape[1]))
    for step in range(steps):
        weights = np.cumsum(evidence * frequencies, axis=1)
        used = (rng.random((len(values), 1)) * weights[:, -1:] > weights).sum(axis=1)
        frequencies = rng.dirichlet(1 + np.bincount(used, minlength=values.shape[1]))
        samples[step] = frequencies
    return samples[steps // 10 :]


def test_frequencies_and_exceedance_agree_with_gibbs_sampling():
    values = drawn()
    result, samples = model_frequencies(table(values)), gibbs(values)
    assert np.allclose(result.table.frequency, samples.mean(axis=0), atol=0.02)
    first = np.bincount(samples.argmax(axis=1), minlength=3) / len(samples)
    assert np.allclose(result.table.exceedance, first, atol=0.03)


def test_the_evidence_bound_lies_just_below_the_evidence_and_the_omnibus_risk_follows_it():
    values = np.column_stack([np.full(10, -50.0), [-53.0] * 8 + [-47.0] * 2])

    def likelihood(r):
        return np.exp(logsumexp(values + 50 + np.log([r, 1 - r]), axis=1).sum())

    exact = np.log(quad(likelihood, 0, 1)[0]) - 500
    result = model_frequencies(table(values))
    assert exact - 0.4 < result.log_evidence < exact
    equal = (logsumexp(values, axis=1) - np.log(2)).sum()
    assert result.log_evidence_equal == pytest.approx(equal)
    risk = 1 / (1 + np.exp(exact - equal))
    assert result.omnibus_risk == pytest.approx(risk, abs=0.06)


def test_exceedance_of_two_models_is_the_beta_distributions():
    from scipy.stats import beta

    assert exceedance_probabilities(np.array([3.2, 7.5]))[0] == pytest.approx(beta.sf(0.5, 3.2, 7.5), abs=1e-9)


def test_exceedance_agrees_with_sampling():
    counts = np.array([1.3, 20.0, 17.0, 60.0, 55.0])
    samples = np.random.default_rng(2).dirichlet(counts, 400_000).argmax(axis=1)
    assert np.allclose(exceedance_probabilities(counts), np.bincount(samples, minlength=5) / 400_000, atol=0.003)


def test_equal_models_are_protected_from_chance():
    result = model_frequencies(table(np.zeros((30, 4))))
    assert np.allclose(result.table.frequency, 0.25)
    assert result.omnibus_risk > 0.5
    assert np.allclose(result.table.protected_exceedance, 0.25)
    some = model_frequencies(table(drawn(participants=6)))
    assert some.table.protected_exceedance.max() < some.table.exceedance.max()


def test_a_constant_of_each_participant_and_the_order_of_models_do_not_matter():
    values = drawn()
    one = model_frequencies(table(values))
    moved = model_frequencies(table(values + np.random.default_rng(1).normal(0, 1e4, (len(values), 1))))
    assert np.allclose(one.table.dirichlet, moved.table.dirichlet, atol=1e-6)
    other = model_frequencies(table(values)[["m2", "m0", "m1"]])
    assert np.allclose(other.table.set_index("model").exceedance.loc[one.table.model], one.table.exceedance)
    assert one.table.dirichlet.sum() == pytest.approx(3 + len(values))
    assert np.allclose(one.assignments.sum(axis=1), 1)


def test_one_participant_far_out_does_not_outvote_the_others():
    values = np.array([[0.0, 2.0]] * 12 + [[1000.0, 0.0]])
    assert model_frequencies(table(values)).table.frequency[1] > 0.7  # the sum of evidences prefers the first


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (table([[1.0], [2.0]]), r"1 model\(s\) given"),
        (table(np.zeros((0, 2))), "no participants"),
        (table([[1.0, np.nan]]), "participant 'p0' under 'm1' is nan; give a finite number"),
        (table([[1.0, -np.inf]]), "is -inf"),
        (table([[1.0, 2.0]]).rename(columns={"m1": ""}), "a model has no name"),
        (table([[1.0, 2.0]]).rename(index={"p0": np.nan}), "a participant has no name"),
        (table([[1.0, 2.0]]).rename(columns={"m1": "m0"}), "the model 'm0' is there twice"),
        (pandas.DataFrame({"a": ["x"], "b": ["y"]}), "is no number"),
    ],
)
def test_what_cannot_be_compared_is_explained(wrong, message):
    with pytest.raises(ValueError, match=message):
        model_frequencies(wrong)


def test_a_bare_array_has_no_names():
    with pytest.raises(TypeError, match="give a DataFrame"):
        model_frequencies(np.zeros((3, 2)))
