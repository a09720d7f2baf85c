"""Figures are finished things: axes with units, one style, data over predictions, no trace in pyplot."""

from itertools import pairwise

import matplotlib
import numpy as np
import pandas
import pytest
from matplotlib import pyplot
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from engram import (
    Encode,
    EncodingOnly,
    Extinguish,
    Intervene,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    Sleep,
    Test,
    ThresholdCapture,
    curves,
    day,
    hour,
    minute,
    plots,
)

UNIT = r"\((?:min|h|days|0 to 1|dimensionless|.*1 = .*)\)"
MODELS = {
    "threshold capture": ThresholdCapture(),
    "linear capture": LinearCapture(),
    "encoding only": EncodingOnly(durable_fraction=0.05),
}


def of_each(curve, **arguments):
    return {name: curve(model, **arguments) for name, model in MODELS.items()}


def observations(**x):
    ((name, values),) = x.items()
    return pandas.DataFrame({name: values, "value": [0.2, 0.4], "error": [0.05, 0.02]})


def emotional_session():
    protocol = Protocol(
        Encode("scene", at=0, strength=0.4), Encode("shock", at=30 * minute, strength=0.8),
        Release("dopamine", at=30 * minute), Test("scene", at=12 * hour), Test("shock", at=12 * hour),
        relatedness={("scene", "shock"): 0.5},
    )  # fmt: skip
    return ThresholdCapture().run(protocol)


def reminded_fear():
    protocol = Protocol(
        Encode("fear", at=0, strength=0.9), Release("dopamine", at=0), Sleep(on=8 * hour, off=16 * hour),
        Reactivate("fear", at=1 * day, prediction_error=1.0), Extinguish("fear", at=25 * hour, strength=0.4),
        Intervene("protein_synthesis_inhibitor", on=25 * hour, off=31 * hour), Test("fear", at=2 * day),
    )  # fmt: skip
    return ThresholdCapture().run(protocol)


def every_figure():
    retroactive, proactive = of_each(curves.retroactive_enhancement), of_each(curves.proactive_enhancement)
    threshold = MODELS["threshold capture"]
    window = observations(interval=[-1 * hour, 30 * minute])
    yield "window", plots.enhancement_window(retroactive, proactive, observed=window)
    yield "retroactive", plots.enhancement_window(retroactive["threshold capture"])
    yield "proactive", plots.enhancement_window(proactive=proactive["threshold capture"])
    blocked = of_each(curves.reconsolidation_window)
    yield "blocked", plots.reconsolidation_window(blocked, observed=observations(delay=[0, 6 * hour]))
    yield "blocked, one model", plots.reconsolidation_window(blocked["linear capture"])
    doses = of_each(curves.salience_response)
    yield "salience", plots.salience_response(doses, observed=observations(dose=[1, 2]))
    yield "relatedness", plots.relatedness_response(of_each(curves.relatedness_response))
    moved = curves.sensitivity(curves.retroactive_enhancement, threshold, intervals=[0, 1 * hour, 2 * hour])
    yield "sensitivity, map", plots.sensitivity(moved)
    yield "sensitivity, bars", plots.sensitivity(moved[moved.interval == 0])
    yield "trajectory", plots.trajectory(emotional_session(), np.linspace(0, 12 * hour, 100))
    yield "trajectory with a block", plots.trajectory(reminded_fear(), np.linspace(0, 2 * day, 100))


@pytest.fixture(scope="module")
def figures():
    return dict(every_figure())


def test_every_figure_is_written_as_png_and_svg_or_pdf_without_warnings(figures, tmp_path):
    for index, (name, figure) in enumerate(figures.items()):
        for kind, start in (("png", b"\x89PNG"), (("svg", b"<?xml"), ("pdf", b"%PDF"))[index % 2]):
            path = tmp_path / f"{name}.{kind}"
            figure.savefig(path, dpi=80)
            assert path.read_bytes().startswith(start), name


def test_every_axis_is_labelled_and_every_figure_states_its_units(figures):
    for name, figure in figures.items():
        bottom = figure.axes[-1] if name.startswith("trajectory") else figure.axes[0]
        assert pandas.Series(bottom.get_xlabel()).str.contains(UNIT)[0], (name, bottom.get_xlabel())
        vertical = " ".join([figure.get_supylabel(), *(ax.get_ylabel() for ax in figure.axes)])
        if name == "sensitivity, bars":
            assert [label.get_text() for label in figure.axes[0].get_yticklabels()]
        else:
            assert pandas.Series(vertical).str.contains(UNIT)[0], (name, vertical)


def test_nothing_is_clipped_and_no_tick_labels_overlap(figures):
    for name, figure in figures.items():
        figure.draw_without_rendering()
        page = figure.bbox
        for ax in figure.axes:
            drawn = [label for label in (ax.xaxis.label, ax.yaxis.label) if label.get_text()]
            for text in [*drawn, *([ax.get_legend()] if ax.get_legend() else [])]:
                box = text.get_window_extent()
                assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1, name
            ticks = [] if ax.get_label() == "<colorbar>" else ax.get_xticklabels()
            boxes = [label.get_window_extent() for label in ticks if label.get_text()]
            assert all(left.x1 <= right.x0 for left, right in pairwise(boxes) if left.width), name


def test_text_stays_text_in_vector_files(figures, tmp_path):
    figures["relatedness"].savefig(tmp_path / "figure.svg")
    drawing = (tmp_path / "figure.svg").read_text()
    assert "<text" in drawing and "relatedness to the emotional memory" in drawing


def test_pyplot_knows_no_figure_and_global_settings_stay(figures):
    assert pyplot.get_fignums() == []
    before = dict(matplotlib.rcParams)
    plots.relatedness_response(curves.relatedness_response(ThresholdCapture(), [0.0, 1.0]))
    assert dict(matplotlib.rcParams) == before


def test_the_look_does_not_depend_on_global_settings(tmp_path):
    curve = curves.relatedness_response(ThresholdCapture(), [0.0, 0.5, 1.0])
    loud = {"font.size": 30, "xtick.labelsize": 30, "svg.fonttype": "path", "axes.facecolor": "red"}
    drawings = []
    for settings in ({}, loud):
        figure = plots.relatedness_response(curve)
        with matplotlib.rc_context(settings):
            figure.savefig(tmp_path / "figure.svg", metadata={"Date": None})
            drawings.append((tmp_path / "figure.svg").read_text())
            figure = plots.relatedness_response(curve)
        figure.savefig(tmp_path / "figure.svg", metadata={"Date": None})
        drawings.append((tmp_path / "figure.svg").read_text())
    assert len(set(drawings)) == 1


def test_a_notebook_shows_the_figure(figures):
    assert figures["relatedness"]._repr_png_().startswith(b"\x89PNG")


def test_several_models_are_overlaid_in_distinct_colours_and_dashes_and_named(figures):
    ax = figures["relatedness"].axes[0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(MODELS)
    lines = ax.get_lines()[-3:]
    assert len({line.get_color() for line in lines}) == 3
    assert len({str(line.get_linestyle()) + str(line._dash_pattern) for line in lines}) == 3


def test_the_salience_responses_of_the_models_stand_side_by_side_on_one_scale(figures):
    axes = figures["salience"].axes
    assert [ax.get_title() for ax in axes] == list(MODELS)
    assert len({ax.get_ylim() for ax in axes}) == 1


def test_observed_points_are_drawn_with_error_bars_in_the_unit_of_the_axis(figures):
    ax = figures["blocked"].axes[0]
    (points,) = (container for container in ax.containers if isinstance(container, ErrorbarContainer))
    assert points.has_yerr
    assert points.lines[0].get_xdata().tolist() == [0, 6]
    assert "observed" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_observations_may_come_without_errors():
    observed = observations(relatedness=[0.2, 0.8]).drop(columns="error")
    curve = curves.relatedness_response(ThresholdCapture(), [0.0, 1.0])
    figure = plots.relatedness_response(curve, observed=observed)
    assert not figure.axes[0].containers[0].has_yerr


def test_on_the_joint_axis_the_emotional_event_before_encoding_has_negative_time(figures):
    ax = figures["window"].axes[0]
    assert ax.get_xlim()[0] < -8.9 and ax.get_xlim()[1] > 2.9
    assert "(h)" in ax.get_xlabel() and "(min)" in figures["retroactive"].axes[0].get_xlabel()
    assert {text.get_text().strip() for text in ax.texts} == {"proactive", "retroactive"}


def test_both_controls_of_the_reconsolidation_window_are_drawn(figures):
    names = [text.get_text() for text in figures["blocked, one model"].axes[0].get_legend().get_texts()]
    assert names == ["reminded, then blocked", "reminded, not blocked", "blocked, not reminded"]


def test_the_parameter_with_the_largest_effect_is_on_top(figures):
    labels = [label.get_text() for label in figures["sensitivity, bars"].axes[0].get_yticklabels()]
    moved = curves.sensitivity(curves.retroactive_enhancement, ThresholdCapture(), intervals=[0])
    assert labels[-1] == moved.parameter[moved.derivative.abs().idxmax()]
    assert "surprise_drive" not in labels


def test_a_trajectory_marks_every_event_and_jumps_at_once(figures):
    figure = figures["trajectory with a block"]
    lanes = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert lanes == [
        "encode fear", "release dopamine", "sleep", "remind fear", "extinguish fear", "synthesis blocked",
        "test fear",
    ]  # fmt: skip
    early = next(line for line in figure.axes[1].get_lines() if line.get_label() == "fear")
    before, after = early.get_ydata()[np.isclose(early.get_xdata(), 24, rtol=1e-9, atol=0)][:2]
    assert after > before + 0.5


def test_a_trajectory_can_be_restricted_to_some_traces():
    figure = plots.trajectory(emotional_session(), [0, 1 * hour, 2 * hour], traces=["scene"])
    assert figure.axes[0].get_legend() is None
    assert "test scene" not in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_figures_can_be_drawn_into_axes_of_ones_own():
    figure = Figure(figsize=(8, 12), layout="constrained")
    left, right = figure.subplots(1, 2)
    assert plots.relatedness_response(curves.relatedness_response(ThresholdCapture()), ax=left) is figure
    assert plots.reconsolidation_window(curves.reconsolidation_window(ThresholdCapture()), ax=right) is figure
    rows = Figure(layout="constrained").subplots(7, 1)
    assert plots.trajectory(emotional_session(), [0, hour], axes=rows) is rows[0].figure


def test_a_wrong_table_is_explained():
    curve = curves.salience_response(ThresholdCapture(), [1.0])
    with pytest.raises(ValueError, match="'prediction' has no column 'relatedness', only dose, strength"):
        plots.relatedness_response(curve)
    with pytest.raises(ValueError, match="observed has no column 'dose', only interval, value, error"):
        plots.salience_response(curve, observed=observations(interval=[1, 2]))
    with pytest.raises(ValueError, match="no curve to draw"):
        plots.enhancement_window()
    with pytest.raises(ValueError, match="2 axes were given for 1 panels"):
        plots.salience_response(curve, axes=Figure().subplots(1, 2))
    moved = curves.sensitivity(curves.salience_response, ThresholdCapture(), ["lability_time"], doses=[1.0])
    with pytest.raises(ValueError, match="no parameter has an effect"):
        plots.sensitivity(moved)


def test_a_wrong_request_for_a_trajectory_is_explained():
    run = emotional_session()
    with pytest.raises(ValueError, match="unknown trace 'scenery'; the protocol has scene, shock"):
        plots.trajectory(run, [0, hour], traces=["scenery"])
    with pytest.raises(ValueError, match="times has 1 different times"):
        plots.trajectory(run, [hour, hour])
    with pytest.raises(ValueError, match="cannot read at -1"):
        plots.trajectory(run, [-1.0, hour])
    with pytest.raises(ValueError, match="6 axes were given for 7 panels"):
        plots.trajectory(run, [0, hour], axes=Figure().subplots(6, 1))
