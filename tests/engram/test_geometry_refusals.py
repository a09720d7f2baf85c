"""What the representational geometry refuses, each time in one sentence that says what, where and what to do."""

import numpy as np
import pytest

from engram import geometry


def responses(seed):
    return 5 + np.random.default_rng(seed).exponential(1.0, (12, 3))


GOOD = responses(1)
OTHER = responses(2)
TENTH = np.full((7, 3), 0.1)  # of which the mean is not 0.1
MASKED = np.ma.masked_greater(GOOD, 6)
NAN = np.where(np.arange(36).reshape(12, 3) == 7, np.nan, GOOD)
FLAT = np.c_[GOOD, GOOD[:, 0] + GOOD[:, 1]]

REFUSED = [
    (lambda: geometry.participation_ratio(GOOD[:3]), "responses: this estimate needs at least 4 trials, got 3"),
    (lambda: geometry.participation_ratio(NAN), r"responses: nan at index \(2, 1\)"),
    (lambda: geometry.participation_ratio(GOOD[0]), r"expected shape \(trials, units\), got \(3,\)"),
    (lambda: geometry.participation_ratio("rates"), "expected an array of numbers"),
    (lambda: geometry.participation_ratio(np.ones((5, 3))), "do not vary"),
    (lambda: geometry.participation_ratio(TENTH), "they do not vary"),
    (lambda: geometry.dimensionality(TENTH), "nothing varies, so that there is no dim"),
    (lambda: geometry.principal_coordinates(TENTH), "7 that do not differ"),
    (lambda: geometry.ledoit_wolf_covariance(TENTH), "they do not vary within"),
    (lambda: geometry.few_shot_geometry(TENTH, GOOD), "squared_radius_a is 0,"),
    (lambda: geometry.signal_participation_ratio(np.full((7, 7, 3), 0.1)), "do not differ beyond"),
    (lambda: geometry.co_tuning(np.full((1, 7), 0.1), np.arange(7.0)[None]), "row 0 of one of them"),
    (lambda: geometry.distances_to_manifold(TENTH, TENTH[:, :1]), "patterns has 3, reference has 1"),
    (lambda: geometry.distances_to_manifold(GOOD[:, :1], TENTH[:, :1]), "reference is singular .* or shrinkage=True"),
    (lambda: geometry.quadratic_discriminant([TENTH, GOOD], GOOD), r"training\[0\] is singular .* or more trials$"),
    (lambda: geometry.participation_ratio(MASKED), "responses: a masked array, whose mask would be lost; leave out"),
    (lambda: geometry.participation_ratio(list(MASKED)), "responses: a masked array"),
    (lambda: geometry.squared_distances([GOOD, MASKED]), r"responses\[1\]: a masked array"),
    (lambda: geometry.squared_distances(np.ma.stack([MASKED, MASKED])), r"responses\[0\]: a masked array"),
    (lambda: geometry.manifold_radius(GOOD + 1j), "responses: complex numbers, whose imaginary part would be lost"),
    (lambda: geometry.participation_ratio(GOOD, estimator="best"), "unknown 'best'; use 'unbiased' or 'plug-in'"),
    (lambda: geometry.participation_ratio_of_covariance([[1, 2], [0, 1]]), "symmetric, this one is not"),
    (lambda: geometry.participation_ratio_of_covariance([[1, 2], [2, 1]]), "no negative eigenvalue, this one has -1"),
    (lambda: geometry.participation_ratio_of_covariance([[0, 0], [0, 0]]), "all zero"),
    (lambda: geometry.participation_ratio_of_covariance([[1, 0]]), "square, got shape"),
    (lambda: geometry.signal_participation_ratio(GOOD[None]), "1 condition; it takes at least 2"),
    (lambda: geometry.signal_participation_ratio([GOOD, OTHER[:8]]), "same number of trials, got 12, 8"),
    (lambda: geometry.signal_participation_ratio(np.stack([GOOD, GOOD])), "do not differ|not above zero"),
    (lambda: geometry.dimensionality(GOOD, 1.5), "above 0 and at most 1, got 1.5"),
    (lambda: geometry.dimensionality(GOOD, "0.9"), "above 0 and at most 1, got '0.9'"),
    (lambda: geometry.dimensionality(np.ones((4, 2))), "nothing varies"),
    (lambda: geometry.squared_distances([GOOD]), "1 condition; it takes at least 2"),
    (lambda: geometry.squared_distances(GOOD), "or one array of shape"),
    (lambda: geometry.squared_distances(None), "one array of shape .*, got NoneType"),
    (lambda: geometry.squared_distances([GOOD, OTHER], metric="cosine"), "unknown 'cosine'"),
    (lambda: geometry.squared_distances([GOOD, OTHER], shrinkage=True), "Euclidean distance has no noise covariance"),
    (lambda: geometry.squared_euclidean_distance(GOOD, OTHER[:, :2]), "first has 3, second has 2"),
    (lambda: geometry.squared_euclidean_distance(GOOD[:1], OTHER), "first: .* at least 2 trials, got 1"),
    (lambda: geometry.squared_euclidean_distance(GOOD, OTHER[:5], paired=True), "as many trials .* got 12, 5"),
    (lambda: geometry.squared_crossnobis_distance(GOOD, OTHER, np.ones((3, 3))), "noise_covariance is singular"),
    (lambda: geometry.squared_crossnobis_distance(GOOD, OTHER, np.eye(2)), "2 units, but the responses have 3"),
    (lambda: geometry.squared_mahalanobis_distance(GOOD[:3], OTHER[:3]), "4 degrees of freedom .* at least 5"),
    (lambda: geometry.squared_mahalanobis_distance(FLAT, FLAT + 1), "pooled noise covariance is singular"),
    (
        lambda: geometry.squared_distances([GOOD, OTHER], metric="mahalanobis", paired=True),
        "needs noise_covariance, from other data",
    ),
    (
        lambda: geometry.squared_distances(
            [GOOD, OTHER], metric="mahalanobis", shrinkage=True, noise_covariance=np.eye(3)
        ),
        "leave it out with noise_covariance",
    ),
    (lambda: geometry.ledoit_wolf_covariance(np.ones((4, 2))), "do not vary"),
    (lambda: geometry.distances_to_manifold(GOOD, OTHER[:3]), "3 patterns give a singular covariance of 3 units"),
    (lambda: geometry.distances_to_manifold(GOOD, OTHER, metric="euclidean", shrinkage=True), "is for metric="),
    (lambda: geometry.distances_to_manifold(GOOD[:, :2], OTHER), "patterns has 2, reference has 3"),
    (lambda: geometry.expansion_factor([GOOD, OTHER], [GOOD, OTHER, OTHER]), "must be the same conditions"),
    (lambda: geometry.expansion_factor([GOOD, GOOD], [GOOD, OTHER]), "before: .* no expansion factor"),
    (lambda: geometry.few_shot_geometry(GOOD[:3], OTHER), "first: this estimate needs at least 4 trials, got 3"),
    (lambda: geometry.few_shot_geometry(np.ones((5, 3)), OTHER), "squared_radius_a is 0"),
    (lambda: geometry.few_shot_snr(geometry.few_shot_geometry(GOOD, OTHER), 0), "at least one example .* got 0"),
    (lambda: geometry.few_shot_snr(geometry.few_shot_geometry(GOOD, OTHER), 1, form="x"), "unknown 'x'"),
    (lambda: geometry.few_shot_error(geometry.few_shot_geometry(GOOD, OTHER), "5"), "at least one example .* got '5'"),
    (lambda: geometry.co_tuning(GOOD, OTHER.T), "must be the same"),
    (lambda: geometry.co_tuning(GOOD[:, :1], OTHER[:, :1]), "at least 2"),
    (lambda: geometry.co_tuning(np.ones((2, 3)), GOOD[:2]), "row 0 .* does not vary"),
    (lambda: geometry.balanced_axis(GOOD, 2 * GOOD), "neuron 0 does not vary across"),
    (lambda: geometry.balanced_axis(0 * GOOD, GOOD), "zero everywhere"),
    (lambda: geometry.pattern_completion(GOOD, OTHER[0], GOOD[:5], OTHER[0]), "12 morph_inputs but 5 morph_outputs"),
    (lambda: geometry.local_angles(GOOD[0], GOOD), "number 0 is the pattern itself"),
    (lambda: geometry.local_angles(GOOD[0], OTHER[:1]), "one neighbour"),
    (lambda: geometry.variance_along_components(GOOD, OTHER, 4), "components: 4, but .* have 1 to 3"),
    (lambda: geometry.variance_along_components(GOOD, OTHER, 1.5), "components: 1.5, but .* have 1 to 3"),
    (lambda: geometry.variance_along_components(GOOD[:1], OTHER, 2), "one pattern has no variance"),
    (lambda: geometry.reconstruction_error(GOOD[:2], 1), "from 3 patterns on"),
    (lambda: geometry.quadratic_discriminant([GOOD, OTHER[:3]], GOOD), r"training\[1\]: 3 trials"),
    (lambda: geometry.quadratic_discriminant([GOOD], GOOD), "1 condition"),
    (lambda: geometry.template_matching(GOOD[:1], OTHER), "one class"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_bad_input_gets_one_clear_sentence(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
