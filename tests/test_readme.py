"""What the README shows runs as shown."""

import re
from pathlib import Path

import pytest

from fits.cli import main
from fits.sections import store, vision_words
from fits.vision import MODEL, ONE_SHARE

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run_example(about):
    """The one Python example that contains these words."""
    (code,) = (block for block in blocks("python") if about in block)
    exec(compile(code, "README.md", "exec"), {})


def test_the_python_example_runs_and_prints(capsys):
    run_example("import Protocol")
    printed = capsys.readouterr().out
    assert float(printed.split()[0]) > 0.1
    assert "enhancement" in printed and "tag_threshold" in printed


def test_the_visual_example_shows_that_few_reactivations_generalise_better_than_practice(capsys):
    run_example("VisualReactivation")
    printed = capsys.readouterr().out
    assert "control" in printed
    practised, reactivated = (float(number) for number in printed.split()[-2:])
    assert 0 < practised < reactivated <= 1


def test_the_network_example_consolidates_the_assembly_alone(capsys):
    run_example("TagAndCapture")
    core, rest = map(float, capsys.readouterr().out.split())
    assert core > 0.2 > 0.1 > rest


def test_the_network_example_shows_an_assembly_that_answers_above_the_others(capsys):
    run_example("ei_assembly")
    assembly, everybody = (float(number) for number in capsys.readouterr().out.split())
    assert 5 < assembly < 15 and 0.8 < everybody < 1.4


def test_the_example_of_individual_differences_predicts_from_networks_and_leaves_regions_null(capsys):
    run_example("simulate_people")
    *scores, region = capsys.readouterr().out.splitlines()
    assert all(float(line.split()[-3]) < 0.05 for line in scores if "both" in line) and any("both" in s for s in scores)
    assert float(region) > 0.05


def test_a_fit_is_brought_back_profiled_and_fitted_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["fit", "hennings_2021", "--model", "ThresholdCapture", "--starts", "1", "--out", "fitted"]
    assert main(command) == 0
    run_example('fits.load("fitted")')
    assert "hennings_2021" in capsys.readouterr().out


def test_what_it_says_of_visual_learning_is_what_the_stored_section_says():
    said = " ".join(README[README.index("### Visual learning") :].partition("### The tag")[0].split())
    tables = store.read(store.shipped(), "vision").tables
    fits = tables["fits"][tables["fits"].variant == ONE_SHARE].set_index("model")
    assert "by more than 80 units of AIC" in said
    assert fits.aic.drop(MODEL).min() - fits.aic[MODEL] > 80
    assert f"these {fits.n_observations[MODEL]} observations do not say" in said
    assert vision_words.conflict(tables).startswith("Whether their designs explain")
    assert "the top-down share does so best" in vision_words.separator(tables)
    seen = vision_words.of(tables["predictions"], MODEL, ONE_SHARE)
    fitted = seen[seen.kind == "mean"].set_index("observation")
    assert "misses none of them by two standard errors" in said
    assert ((fitted.value - fitted.predicted).abs() < 2 * fitted.error).all()
    sham = fitted.loc["reactivation, sham: untrained"]
    assert f"(gain {sham.predicted:.2f}, published {sham.value:.2f} ± {sham.error:.2f})".replace("0.", ".") in said
    verdicts = vision_words.intervals_of(tables, ONE_SHARE).set_index("parameter").verdict
    assert "gains of both areas are bounded" in said
    assert verdicts["evc_gain"] == verdicts["ips_gain"] == "identified"
    assert "the effect of stimulation and the share of practice that reaches IPS are not identified" in said
    assert "identified" not in set(verdicts[["stimulation_shift", "practice_share"]])


def test_the_protocol_example_is_predicted(tmp_path, capsys):
    (protocol,) = blocks("toml")
    path = tmp_path / "protocol.toml"
    path.write_text(protocol, encoding="utf-8")
    assert main(["predict", "ThresholdCapture", str(path), "--at", "24 h"]) == 0
    assert "scene" in capsys.readouterr().out


def test_every_command_shown_exists(capsys):
    shown = {line.split()[1] for block in blocks("sh") for line in block.splitlines() if line.startswith("engram ")}
    assert shown == {"studies", "check", "fit", "design", "recover", "reproduce", "predict", "cache"}
    for command in shown:
        with pytest.raises(SystemExit) as stopped:
            main([command, "--help"])
        assert stopped.value.code == 0
    capsys.readouterr()


def test_every_file_it_links_to_exists():
    root = Path(__file__).parent.parent
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert link.startswith("http") or (root / link).exists(), link
