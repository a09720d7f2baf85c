"""Every figure is drawn, labelled with units, and refuses tables that are not its own."""

import pandas
import pytest

from engram import hour
from engram.figure_style import StyledFigure
from engram.perception import VisualReactivation, designs, plots
from engram.perception.curves import generalisation, time_course
from engram.perception.predictions import blocked_consolidation, release_at_reactivation, retention, spacing

MODEL = VisualReactivation(evc_units=100, ips_units=100)
TABLE = generalisation(MODEL, [-90, -45, 0, 45, 90])


def test_generalisation_has_a_line_per_time_and_degrees_on_both_axes():
    ax = plots.generalisation_curve(TABLE).axes[0]
    assert [line.get_label() for line in ax.lines] == ["before", "just after", "two weeks later"]
    assert ax.get_xlabel() == "offset from the trained direction (degrees)"
    assert ax.get_ylabel() == "threshold (degrees)"
    assert ax.get_ylim()[0] == 0


def test_several_models_are_drawn_relative_to_the_untrained():
    other = generalisation(MODEL, [-90, 0, 90], protocol=designs.practice(3))
    ax = plots.generalisation_curve({"reactivation": TABLE, "practice": other}).axes[0]
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    last = other[other.time == other.time.max()]
    assert drawn["practice"] == pytest.approx((last.threshold / last.baseline).to_numpy())
    assert ax.get_ylabel() == "threshold (1 = untrained)"


def test_observations_are_drawn_over_the_curve():
    observed = pandas.DataFrame({"offset": [0, 90], "value": [1.8, 2.0], "error": [0.2, 0.2]})
    ax = plots.generalisation_curve(TABLE, observed=observed).axes[0]
    assert "observed" in [container.get_label() for container in ax.containers]


def test_time_course_shows_thresholds_and_both_areas():
    figure = plots.time_course(time_course(MODEL))
    labels = [[line.get_label() for line in ax.lines if not line.get_label().startswith("_")] for ax in figure.axes]
    assert labels == [["trained", "untrained"], ["EVC", "IPS"]]
    assert "(days)" in figure.axes[0].get_xlabel()
    both = plots.time_course({"a": time_course(MODEL), "b": time_course(MODEL, protocol=designs.practice(2))})
    assert len([line for line in both.axes[0].lines if not line.get_label().startswith("_")]) == 4


@pytest.mark.parametrize(
    ("table", "label"),
    [
        (retention(MODEL, [0, 2]), "reactivation sessions"),
        (release_at_reactivation(MODEL, [0.0, 1.0]), "dose released at each reactivation (1 = full drive)"),
        (blocked_consolidation(MODEL, [0.0, 1 * hour]), "onset of the block, from each reactivation (min)"),
        (spacing(MODEL), "interval between sessions"),
    ],
    ids=["retention", "release", "block", "spacing"],
)
def test_every_prediction_has_its_figure(table, label, tmp_path):
    figure = plots.prediction(table)
    assert figure.axes[0].get_xlabel() == label
    assert figure.axes[1].get_ylabel() == "generalisation index\n(1 = complete)"
    figure.savefig(tmp_path / "prediction.png")
    assert (tmp_path / "prediction.png").stat().st_size > 5000


def test_predictions_stand_side_by_side_on_common_scales(tmp_path):
    tables = [retention(MODEL, [0, 2, 4]), release_at_reactivation(MODEL, [0.0, 1.0]), spacing(MODEL)]
    figure = plots.predictions(tables, titles=["", "dopamine", ""])
    above, below = figure.axes[:3], figure.axes[3:]
    assert len(below) == 3 and above[1].get_title(loc="left") == "dopamine"
    for row in (above, below):
        assert len({ax.get_ylim() for ax in row}) == 1
    assert [ax.get_xlabel().replace("\n", " ") for ax in below] == [
        "reactivation sessions", "dose released at each reactivation (1 = full drive)", "interval between sessions",
    ]  # fmt: skip
    drawn = {line.get_label(): line.get_ydata() for line in below[0].lines}
    assert drawn["index two weeks later"] == pytest.approx(tables[0].generalisation_late.to_numpy(), nan_ok=True)
    figure.savefig(tmp_path / "predictions.png")
    assert (tmp_path / "predictions.png").stat().st_size > 10_000


def test_the_whole_account_fits_one_picture(tmp_path):
    figure = plots.explained(MODEL, designs.practice(2))
    assert isinstance(figure, StyledFigure) and len(figure.axes) == 6
    evc, ips = (" ".join(text.get_text() for text in figure.axes[k].texts) for k in (3, 4))
    curve = generalisation(MODEL, [0.0], protocol=designs.practice(2))
    assert f"dimensions: {curve.evc_dimension[0]:.2f} {curve.evc_dimension[2]:.2f}" in evc and "trained" in evc
    assert f"dimensions: {curve.ips_dimension[0]:.2f} {curve.ips_dimension[2]:.2f}" in ips
    assert all(ax.get_xlabel() and ax.get_ylabel() for ax in figure.axes)
    figure.savefig(tmp_path / "explained.png")
    assert (tmp_path / "explained.png").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.generalisation_curve(pandas.DataFrame({"time": [0.0]})), "the table has no column 'offset'"),
        (lambda: plots.generalisation_curve({}), "no curve to draw"),
        (lambda: plots.time_course({}), "no time course to draw"),
        (lambda: plots.time_course(TABLE), "the table has no column 'trained'"),
        (lambda: plots.prediction(TABLE), "the first column is 'time'; pass a table of engram.perception.predictions"),
        (lambda: plots.predictions([]), "no prediction to draw"),
        (lambda: plots.predictions([TABLE]), "the first column is 'time'"),
        (lambda: plots.explained(MODEL, axes=[]), "0 axes were given for 6 panels"),
    ],
)
def test_tables_of_something_else_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
