"""The report: self-contained, complete, and computed from the numbers of the fits."""

import html.parser
import json
import math
import re
from pathlib import Path

import pandas
import pytest
from test_cli import STUDY

from fits import findings, load_study
from fits.drawing import save_figure
from fits.figures import study_figure
from fits.report import write_report
from fits.reproduce import JOINT, MODELS, TOGETHER, reproduce

VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(html.parser.HTMLParser):
    """What a page is made of; fails where its tags do not nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report on two studies: its folder, and the results in it."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "tiny.toml").write_text(STUDY, encoding="utf-8")
    studies = [load_study(folder / "tiny.toml"), load_study("frey_morris_1998")]
    made = reproduce(starts=2, workers=2, command="engram reproduce --out report", studies=studies)
    (folder / "report").mkdir()
    write_report(folder / "report", made)
    return folder / "report", made


@pytest.fixture(scope="module")
def page(made):
    return Page((made[0] / "report.html").read_text(encoding="utf-8"))


def test_the_page_fetches_nothing(made, page):
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base")
        for name in ("src", "srcset", "data", "poster", "background"):
            assert attributes.get(name, "data:").startswith("data:")
    source = (made[0] / "report.html").read_text(encoding="utf-8")
    style = "".join(re.findall(r"<style>(.*?)</style>", source, re.DOTALL))
    assert style and "url(" not in style and "@import" not in style
    assert "@media print" in style and "@media (max-width" in style
    assert any(tag == "meta" and a.get("name") == "viewport" for tag, a in page.tags)


def test_every_link_stays_within_the_page(page):
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links and {link.removeprefix("#") for link in links} <= anchors


def test_every_study_is_there_with_its_sources_flags_and_what_is_assumed(made, page):
    for study in made[1].studies:
        assert study.title in page.text and study.citation in page.text
        for observation in study.observations:
            assert observation.name in page.text
            assert observation.source in page.text
            assert observation.note in page.text
    assert "direction only" in page.text
    assert "A*" in page.text
    assert "These are predictions of the models, not data" in page.text


def test_how_it_was_made_is_there(made, page):
    provenance = made[1].provenance
    for word in (provenance.command, f"seed {provenance.seed}", provenance.date, provenance.machine):
        assert word in page.text
    for package, version in provenance.versions.items():
        assert package in page.text and version in page.text
    for part, seconds in made[1].seconds.items():
        assert part in page.text and seconds >= 0


def test_the_findings_are_those_of_the_numbers(made, page):
    for name, table in made[1].comparisons.items():
        assert findings.preference(table) in page.text, name
    total = made[1].comparisons[TOGETHER].set_index("model")
    for index, model in enumerate(MODELS):
        assert total.log_likelihood[model] == pytest.approx(
            sum(group[index].log_likelihood for group in made[1].separate.values())
        )
    # a joint fit begins where the separate ones ended, and so cannot be worse
    for fit in made[1].joint:
        assert fit.log_likelihood > total.log_likelihood[fit.model] - 1e-6


def test_every_figure_and_table_lies_beside_the_page(made, page):
    folder = made[0]
    drawn = sorted(path.stem for path in (folder / "figures").glob("*.svg"))
    assert drawn == sorted(path.stem for path in (folder / "figures").glob("*.png"))
    assert len(drawn) == sum(tag == "img" for tag, _ in page.tags)
    assert all(attributes["alt"] for tag, attributes in page.tags if tag == "img")
    for name in ("estimates", "starts", "predictions", "comparison"):
        table = pandas.read_csv(folder / f"{name}.csv")
        assert set(table["fit"]) >= {JOINT}
        assert set(table.model) == set(MODELS)
    assert len(pandas.read_csv(folder / "predictions.csv")) == 2 * 3 * 7  # alone and jointly, models, observations
    content = json.loads((folder / "estimates.json").read_text(encoding="utf-8"))
    assert len(content["fits"]) == 9
    assert content["made_with"]["seed"] == 1


def test_a_figure_is_the_same_to_the_byte(made, tmp_path):
    study = made[1].studies[0]
    for name in ("first", "second"):
        save_figure(study_figure(study, made[1].separate[study.id]), tmp_path, name)
    for kind in ("svg", "png"):
        assert (tmp_path / f"first.{kind}").read_bytes() == (tmp_path / f"second.{kind}").read_bytes()


@pytest.mark.parametrize(
    "deltas, words",
    [
        ([0, 1.4, 9], "the data do not tell threshold capture and linear capture apart (ΔAIC: linear capture 1.4"),
        ([0, 3, 9], "threshold capture is moderately preferred (ΔAIC: linear capture 3.0, encoding only 9.0)"),
        ([0, 8, 9], "threshold capture is clearly preferred"),
        ([0, 10, 19], "threshold capture is strongly preferred"),
    ],
)
def test_a_preference_is_worded_after_the_distance_in_aic(deltas, words):
    assert findings.preference(pandas.DataFrame({"model": MODELS, "delta_aic": deltas})).startswith(words)


def test_an_observation_is_a_miss_beyond_two_standard_errors_or_below_five_per_cent():
    rows = pandas.DataFrame(
        {
            "kind": ["mean", "mean", "detected", "detected", "shown"],
            "standardised_residual": [1.9, -2.1, math.nan, math.nan, math.nan],
            "log_likelihood": [0, 0, math.log(0.06), math.log(0.04), 0],
        }
    )
    assert [findings.explained(row) for row in rows.itertuples()] == [True, False, True, False, True]
    assert [findings.agreement(row) for row in rows.itertuples()] == ["+1.9 SE", "−2.1 SE", "P = 0.06", "P = 0.04", ""]


def test_what_no_model_explains_is_named(made):
    fits = made[1].separate["frey_morris_1998"]
    table = findings.failures(fits)
    missed = set(table[[not cell[1] for cell in table.EncodingOnly]].observation)
    # without capture nothing depends on what comes after the weak tetanus
    assert missed == {"strong tetanus 5 min after weak", "strong tetanus 1 h after weak"}
    assert not table.by_all.any()
    alone = findings.failures([fit for fit in fits if fit.model == "EncodingOnly"])
    assert alone.by_all.all()


def test_results_of_the_same_seed_do_not_depend_on_the_workers(made):
    studies = made[1].studies[:1]
    one, two = (reproduce(starts=2, workers=workers, studies=studies, models=["EncodingOnly"]) for workers in (1, 2))
    pandas.testing.assert_frame_equal(one.joint[0].estimates, two.joint[0].estimates)


def test_the_page_names_no_folder_of_this_machine(made):
    source = (made[0] / "report.html").read_text(encoding="utf-8")
    assert str(made[0]) not in source
    assert str(Path(findings.__file__).parents[1]) not in source
