"""The studies of visual learning say what was published: a second transcription of their numbers and designs."""

import math
import re

import numpy as np
import pytest

import fits
from engram import Encode, Intervene, Reactivate, Test, day, hour, minute
from fits.check import report
from fits.description import observed
from fits.likelihood import log_likelihoods
from fits.study import MEMORY, VISION, load_shipped, load_study

# group -> (t, d) of the trained and the untrained orientation, F of session x orientation, whether it was significant
XIE = {
    "reactivation, anodal": ((7.338, 1.498), (7.765, 1.585), 0.010, False),
    "reactivation, sham": ((8.386, 1.712), (2.599, 0.531), 16.477, True),
    "full practice, anodal": ((10.689, 2.182), (2.782, 0.568), 17.961, True),
    "full practice, sham": ((6.932, 1.415), (4.101, 0.837), 5.380, True),
}
TDT = {"reactivation": (31.7, 12.0), "full practice": (39.4, 11.4)}  # ms, standard error
DIRECTIONS = {
    "song_2026": {
        "reactivated direction": True,
        "other directions": True,
        "reactivated minus other directions": False,
        "IPS, at once": True,
        "EVC, at once": False,
        "EVC, two weeks later": True,
    },
    "kondat_2025": {
        "location B, reactivations at A": True,
        "location B, no reactivations": False,
        "location B, reactivations minus none": True,
    },
}


# What follows from gains that are fitted, and would count the same people's answers twice.
SHOWN = {
    "song_2026": {"reactivated direction"},
    "kondat_2025": {"location B, reactivations minus none"},
    "amar_halpert_2017": {"full practice minus reactivation"},
    "xie_2025": {f"{group}: trained minus untrained" for group in XIE} | {
        "reactivation minus full practice, sham: trained", "full practice, anodal minus sham: trained",
        "full practice, anodal minus sham: untrained", "protocol by stimulation: trained minus untrained",
    },
}  # fmt: skip


def observations(study):
    return {o.name: o for o in load_study(study).observations}


def events(study, condition, kind):
    return [e for e in load_study(study).conditions[condition].protocol.events if isinstance(e, kind)]


def test_four_studies_are_of_vision_and_all_others_of_memory():
    seen = {study.id for study in load_shipped(VISION)}
    assert seen == {"song_2026", "amar_halpert_2017", "xie_2025", "kondat_2025"}
    assert {study.id for study in load_shipped(MEMORY)} == set(fits.shipped_studies()) - seen


@pytest.mark.parametrize("study", SHOWN)
def test_no_answers_count_twice(study):
    """As many observations are fitted as quantities were measured; what follows from them is shown."""
    found = load_study(study)
    assert {o.name for o in found.observations if o.kind == "shown"} == SHOWN[study]
    rows = [[(t.condition, t.at, t.offset, t.distance, o.score) for t in o.terms] for o in found.observations
            if o.kind != "shown"]  # fmt: skip
    measured = list(dict.fromkeys(place for row in rows for place in row))
    weights = np.zeros((len(rows), len(measured)))
    for k, row in enumerate(rows):
        weights[k, [measured.index(place) for place in row]] = 1 if len(row) == 1 else [1, -1]
    assert np.linalg.matrix_rank(weights) == len(rows)


@pytest.mark.parametrize("group", XIE)
def test_xie_gains_are_transcribed_with_the_standard_error_of_d(group):
    found = observations("xie_2025")
    for label, (t, d) in zip(("trained", "untrained"), XIE[group][:2], strict=True):
        o = found[f"{group}: {label}"]
        assert (o.value, o.n, o.statistic.t, o.statistic.df) == (d, 24, t, 23)
        assert d == pytest.approx(t / math.sqrt(24), abs=6e-4)
        assert o.error == pytest.approx(math.sqrt(1 / 24 + d**2 / 48), abs=5e-5)
        assert (o.terms[0].offset == 0) == (label == "trained") and 0 <= o.terms[0].offset <= 70
    _, _, f, significant = XIE[group]
    o = found[f"{group}: trained minus untrained"]
    assert o.detected is significant and o.statistic.t == pytest.approx(math.sqrt(f), abs=6e-4)
    assert [term.weight for term in o.terms] == [1, -1]


def test_xie_comparisons_of_groups_are_as_published():
    found = {name: o.detected for name, o in observations("xie_2025").items() if o.panel == "between groups"}
    assert found == {
        "reactivation minus full practice, sham: trained": False,
        "full practice, anodal minus sham: trained": True,
        "full practice, anodal minus sham: untrained": False,
        "protocol by stimulation: trained minus untrained": True,
    }
    assert observations("xie_2025")["full practice, anodal minus sham: trained"].statistic.t == 2.489


@pytest.mark.parametrize("group", XIE)
def test_xie_sessions_are_16_runs_of_40_or_3_after_the_first_with_20_min_of_stimulation(group):
    encoded, reactivated = events("xie_2025", group, Encode), events("xie_2025", group, Reactivate)
    few = group.startswith("reactivation")
    assert (len(encoded), len(reactivated)) == ((1, 2) if few else (3, 0))
    assert all(e.strength == pytest.approx(1 - math.exp(-640 / 400), abs=5e-4) for e in encoded)
    assert all(e.duration == 3 * 40 * 4 for e in reactivated)
    stimulation = events("xie_2025", group, Intervene)
    assert len(stimulation) == (3 if "anodal" in group else 0)
    for session, one in zip(sorted(e.at for e in encoded + reactivated), stimulation, strict=False):
        assert one.agent == "tdcs" and one.on < session < one.off and one.off - one.on == pytest.approx(20 * minute)


@pytest.mark.parametrize("group", TDT)
def test_texture_gains_are_transcribed_in_ms(group):
    o = observations("amar_halpert_2017")[group]
    assert (o.value, o.error, o.unit, o.score) == (*TDT[group], "ms", "scaled_gain")
    encoded, reactivated = (events("amar_halpert_2017", group, kind) for kind in (Encode, Reactivate))
    assert (len(encoded), len(reactivated)) == ((1, 3) if group == "reactivation" else (4, 0))
    assert all(e.strength == pytest.approx(1 - math.exp(-252 / 400), abs=5e-4) for e in encoded)
    assert all(e.duration == 5 * 4 for e in reactivated)
    assert [e.at for e in events("amar_halpert_2017", group, Test)] == [4 * day]


def test_the_difference_of_texture_gains_has_the_error_of_both():
    o = observations("amar_halpert_2017")["full practice minus reactivation"]
    assert o.detected is False and o.error == pytest.approx(math.hypot(12.0, 11.4), abs=5e-3)


@pytest.mark.parametrize("study", DIRECTIONS)
def test_directions_carry_no_mean_and_call_n_and_spread_assumed(study):
    found = observations(study)
    assert {name: o.detected for name, o in found.items()} == DIRECTIONS[study]
    for o in found.values():
        assert o.kind in ("detected", "shown") and o.value is None and o.flag == "A" and "assumed" in o.note


def test_song_reactivates_on_eight_days_and_tests_two_weeks_after():
    reactivated = events("song_2026", "reactivation", Reactivate)
    assert [e.at for e in reactivated] == [k * day for k in range(1, 9)]
    assert {e.duration for e in reactivated} == {5 * 4}
    assert [e.at for e in events("song_2026", "reactivation", Test)] == [9 * day, 22 * day]


def test_kondat_reads_another_location_after_the_same_encoding():
    study = load_study("kondat_2025")
    assert {term.distance for o in study.observations for term in o.terms} == {8.0}
    assert not events("kondat_2025", "no reactivations", Reactivate)
    assert events("kondat_2025", "reactivations at A", Encode) == events("kondat_2025", "no reactivations", Encode)


def test_all_studies_share_the_rule_from_trials_to_events():
    """Cue 1 - .75^n and four seconds a trial, prediction error .5."""
    for study in load_shipped(VISION):
        for design in study.conditions.values():
            for event in design.protocol.events:
                if isinstance(event, Reactivate):
                    trials = event.duration / 4
                    assert event.cue == pytest.approx(1 - 0.75**trials, abs=5e-4) and event.prediction_error == 0.5
                assert not isinstance(event, Encode) or event.at % hour == 0


@pytest.mark.parametrize(
    ("study", "lines"),
    [
        ("amar_halpert_2017", [
            "offsets in degrees from the trained stimulus, which repeats after 180",
            "threshold before training in the study's own unit: baseline, 40 to 340 ms, first start 120 ms",
            "reactivation: 31.7 ± 12 ms, gain in threshold, at 0 degrees after 4 d",
            "full practice minus reactivation: not significant (n = 12, standard error 16.6 ms) (not fitted), gain in "
            "threshold, at 0 degrees after 4 d; -1 × at 0 degrees after 4 d",
        ]),
        ("xie_2025", [
            "reactivation, sham: untrained: 0.531 ± 0.218, gain over its standard deviation between people (d), at 64 "
            "degrees after 3 d 1 h",
        ]),
        ("kondat_2025", ["at 0 degrees, 8 degrees away after 4 d", "distances in degrees of visual angle"]),
        ("song_2026", ["which repeats after 360", "at 90 degrees after 22 d"]),
    ],
)  # fmt: skip
def test_check_prints_offsets_and_thresholds_in_their_units(study, lines):
    said = " ".join(report(study)[0].split())
    assert "What was shown and measured" in said
    assert re.search(r"threshold before training at the models' defaults: [\d.]+( to [\d.]+)? degrees", said)
    for line in lines:
        assert line in said


def test_studies_of_memory_have_no_offsets():
    assert "What was shown and measured" not in report("nader_2000")[0]


def test_what_is_shown_may_have_been_found_or_not():
    found = observations("xie_2025")["full practice, anodal minus sham: trained"]
    assert found.kind == "shown" and found.detected is True
    words = observed(found)
    assert words == "significant (n = 24, standard error 0.289) (not fitted)"
    assert log_likelihoods([found], np.array([0.0]))[0] == 0
