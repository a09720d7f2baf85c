"""What a figure of data against prediction shows of each kind of observation."""

from types import SimpleNamespace

import pytest
from scipy.stats import beta
from test_cli import STUDY

import fits
from fits import findings
from fits.figures import study_figure

COUNTED = STUDY.replace('type = "field_potential"', 'type = "free_recall"').partition("[[observation]]")[0] + "".join(
    f"""
[[observation]]
name = "{condition}"
kind = "counts"
condition = "{condition}"
traces = "scene"
score = "recalled"
count = {count}
n = 20
measure = "people who recalled it"
panel = "recall"
source = "figure 1"
flag = "R"
"""
    for condition, count in (("shock", 17), ("none", 0))
)


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "tiny.toml"
    path.write_text(COUNTED, encoding="utf-8")
    study = fits.load_study(path)
    return study, fits.fit([study], "EncodingOnly", starts=2, shared=False)


def test_counts_are_drawn_as_shares_with_their_binomial_intervals(counted):
    study, fitted = counted
    figure = study_figure(study, [fitted])
    (ax,) = [ax for ax in figure.axes if ax.has_data()]
    drawn = sorted((float(c.lines[0].get_ydata()[0]), c.lines[2][0].get_segments()[0][:, 1]) for c in ax.containers)
    assert [share for share, _ in drawn] == [0.0, 0.85]
    # Clopper & Pearson: quantiles of beta distributions
    assert drawn[0][1] == pytest.approx([0.0, 1 - 0.025 ** (1 / 20)], abs=1e-12)
    assert drawn[1][1] == pytest.approx([beta.ppf(0.025, 17, 4), beta.ppf(0.975, 18, 3)], rel=1e-9)
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert "observed share, 95 % interval (Clopper–Pearson)" in labels


def test_a_count_is_missed_where_an_exact_test_says_so():
    def row(predicted):
        return SimpleNamespace(kind="counts", observed=0.85, n=20, predicted=predicted)

    assert findings.explained(row(0.85)) and findings.agreement(row(0.85)) == "p = 1"
    # 17 or more, or 3 or fewer, of 20 at a half: 2 (1 + 20 + 190 + 1140) / 2^20
    assert findings.count_p_value(row(0.5)) == pytest.approx(2 * 1351 / 2**20, rel=1e-12)
    assert not findings.explained(row(0.5))


def test_counts_are_counted_among_the_evidence(counted):
    assert "2 fitted observations: 0 values with a standard error, 2 counts, and 0 effects" in findings.evidence(
        [counted[0]]
    )
