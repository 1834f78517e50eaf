"""The page: its order, its words, its verdicts."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from poisoning_study.protocol import RunStore, load_study
from poisoning_study.report._loader import loader_section, loader_verdict
from poisoning_study.report._matrix import matrix_section
from poisoning_study.report._numbers import Results
from poisoning_study.report._original import DIFFERENCES
from poisoning_study.report._verdicts import verdicts


def test_the_report_has_every_section(finished: tuple[Path, Path]) -> None:
    page = (finished[1] / "report.html").read_text()
    for words in ("As published", "Defended", "Smaller", "Noticed", "Seen", ".5283", "Table 1"):
        assert words in page
    assert "have not been run" in page
    assert "not run</td>" not in page
    assert page.count("data:image/png;base64,") >= 5
    assert "http://" not in page
    assert "https://" not in page
    assert (finished[1] / "figures/5-pictures-sheet.png").stat().st_size > 1000


def test_every_accuracy_and_change_is_a_row_for_other_programs(
    finished: tuple[Path, Path],
) -> None:
    configs, out = finished
    results = Results(load_study(configs), RunStore(out / "runs"))
    with (out / "accuracies.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == sum(bool(victim) for _, _, victim, _, _ in results.cells) > 20
    for row in rows:
        poison = "" if row["poison"] == "clean" else row["poison"]
        cell = (row["experiment"], poison, row["victim"], row["defence"], float(row["share"]))
        by_seed = [float(value) for value in row["accuracy_by_seed"].split()]
        asked = results.values(cell, "final")
        assert row["seeds"].split() == [str(seed) for seed in asked]
        assert by_seed == pytest.approx(list(asked.values()), abs=1e-4)
        change = results.change(cell) if poison else None
        assert row["verdict"] == ("" if change is None else change.verdict(results.margin))
        assert row["change"] == ("" if change is None else f"{change.value:.4f}")


def test_the_page_says_what_names_mean_and_what_changed(finished: tuple[Path, Path]) -> None:
    page = (finished[1] / "report.html").read_text()
    assert "<td>blocks of colour (blocks)</td><td>Coloured blocks a class (a control)" in page
    assert "surrogate (residual)" in page
    assert "defended minus undefended" in page
    assert "kernel OT minus energy" in page
    assert "found at 1% false alarms" in page
    assert "<th>accuracy of scratch, %</th><th>no defence</th><th>grey</th>" in page
    assert "<tr><td>clean</td><td>" in page
    assert "19 permutations are too few for Holm over 2 classes" in page
    for question in (
        "Is the original&#x27;s fall its loader&#x27;s or its poison&#x27;s?",
        "What would contamination do to my training set?",
        "Would I notice?",
        "What does it take to be sure?",
    ):
        assert f'<div class="verdict"><h2>{question}</h2><p>' in page
    assert "<th>the poison through the loader</th>" in page
    assert "<td>published, game</td>" in page
    # Table 1 and the matrix come first, what all runs bear out and the names last.
    order = ["Loader or poison?", "Table 1", "Matrix", "Seen", "Defended", "Noticed", "Names"]
    assert (
        sorted(
            order, key=lambda words: page.index(f"{words}</h2>" if words != "Table 1" else words)
        )
        == order
    )


def test_the_readme_says_how_ours_differs_from_the_original() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for row in DIFFERENCES:
        assert f"| {' | '.join(row)} |" in readme


def _results(finished: tuple[Path, Path]) -> Results:
    return Results(load_study(finished[0]), RunStore(finished[1] / "runs"))


def test_a_setting_of_two_experiments_is_read_from_the_one_with_most_seeds(
    finished: tuple[Path, Path], tmp_path: Path
) -> None:
    for file in finished[0].iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "0-noise.toml").write_text(
        'title = "Noise"\nquestion = "q"\npoisons = ["blocks", "game"]\nfractions = [0, 1]\n'
        'victims = ["scratch", "published"]\nloader = "as-published"\nseeds = [0]\n'
    )
    results = Results(load_study(tmp_path), RunStore(finished[1] / "runs"))
    assert any(cell[0] == "0-noise" and cell[1] == "game" for cell in results.cells)
    assert loader_section(results) == loader_section(_results(finished))
    assert loader_verdict(results) == loader_verdict(_results(finished))
    assert verdicts(results) == verdicts(_results(finished))


@pytest.mark.parametrize(
    ("loader", "through", "alone", "verdict"),
    [
        (-0.3, 0.0, 0.0, "Its loader: untouched pictures fall, and the poison does nothing"),
        (-0.3, -0.2, 0.0, "Both: untouched pictures fall, and the poison changes something"),
        (
            -0.3,
            0.0,
            -0.2,
            "Its loader: untouched pictures fall, and through it the poison adds nothing. Loaded "
            "as it was made, the poison changes accuracy",
        ),
        (0.0, -0.2, -0.2, "Open: a fall of untouched pictures is not established"),
    ],
)
def test_the_verdict_on_the_loader_follows_the_numbers(
    finished: tuple[Path, Path], loader: float, through: float, alone: float, verdict: str
) -> None:
    results = _results(finished)
    for seed in (0, 1):
        wiggle = 0.001 * seed
        clean = 0.6 + wiggle
        for cell, found in results.cells.items():
            if cell[2] != "published":
                continue
            change = 0.0
            if cell[1]:
                change = loader + (through + wiggle if cell[1] == "game" else 0.0)
            found[seed]["final"] = clean + change
    sound = ("x", "game", "published", "none", 1.0)
    results.study.experiments["x"] = replace(
        results.study.experiments["1-table"], loader="sound", poisons=("game",)
    )
    results.cells[sound] = {seed: {"final": 0.6 + 0.002 * seed + alone} for seed in (0, 1)}
    sentence = loader_verdict(results)
    assert sentence is not None
    assert f"<b>{verdict}" in sentence
    assert (
        f"The loader alone changes the accuracy of the published by {loader:+.3f}".replace(
            "-", "\u2212"
        )[:-1]
        in sentence
    )


def test_victims_that_never_met_the_loader_are_in_its_table_and_its_verdict(
    finished: tuple[Path, Path],
) -> None:
    results = _results(finished)
    for cell, found in results.cells.items():
        for seed in (0, 1):
            if cell[2] == "published":
                found[seed]["final"] = (0.3 if cell[1] else 0.6) + 0.0001 * seed * bool(cell[1])
            elif not cell[1]:
                found[seed]["final"] = 0.9
    results.study.experiments["x"] = replace(
        results.study.experiments["1-table"],
        loader="sound",
        poisons=("game",),
        victims=("scratch", "published"),
    )
    for victim, final in (("scratch", 0.7), ("published", 0.6)):
        results.cells["x", "game", victim, "none", 1.0] = {
            seed: {"final": final + 0.002 * seed} for seed in (0, 1)
        }
    row = (
        "<td>scratch, game</td><td>0.900 ± 0.000</td><td>-</td><td>-</td>"
        '<td class="hurt">\u22120.199 ± 0.013 (falls)</td>'
    )
    assert row in "".join(loader_section(results))
    sentence = loader_verdict(results)
    assert sentence is not None
    assert "through it the poison adds nothing. Loaded as it was made, the poison cha" in sentence
    assert "1 of 2 losses established, the largest of them being \u22120.199" in sentence
    # A larger loss that two seeds leave open is not quoted, and one of a single seed is no finding.
    results.cells["x", "game", "published", "none", 1.0] = {0: {"final": 0.5}, 1: {"final": 0.1}}
    sentence = loader_verdict(results)
    assert sentence is not None
    assert "1 of 2 losses established, the largest of them being \u22120.199" in sentence
    results.cells["x", "game", "published", "none", 1.0] = {0: {"final": 0.1}}
    sentence = loader_verdict(results)
    assert sentence is not None
    assert "1 of 1 losses established, the largest of them being \u22120.199" in sentence
    # Without the poison's runs in the loader there is nothing to set the sound ones beside.
    del results.cells["1-table", "untouched", "published", "none", 1.0]
    assert loader_verdict(results) is None


def test_the_poison_is_set_beside_untouched_pictures_at_every_share(
    finished: tuple[Path, Path],
) -> None:
    results = _results(finished)
    # A tenth has no effect, half of the pictures an established one.
    lost = {("game", 0.1): 0.0, ("game", 0.5): 0.1}
    for cell, found in results.cells.items():
        if cell[0] == "1-table":
            for seed in (0, 1):
                gone = lost.get((cell[1], cell[4]), 0.0)
                found[seed]["final"] = 0.4 - gone + 0.0002 * seed * (cell[1] == "game")
    section = "".join(loader_section(results))
    assert "<td>published, game, 10% replaced</td><td>+0.000 ± 0.001 (none)</td>" in section
    row = "<td>published, game, 50% replaced</td><td>\u22120.100 ± 0.001 (falls)</td>"
    assert row in section


def test_the_matrix_marks_established_losses_alone(
    finished: tuple[Path, Path], tmp_path: Path
) -> None:
    results = _results(finished)
    finals = {
        ("", "none"): 0.9,
        ("", "grey"): 0.8,
        ("blocks", "none"): 0.3,
        ("blocks", "grey"): 0.8,
    }
    for cell, found in results.cells.items():
        if cell[2] == "scratch" and cell[3] in ("none", "grey") and cell[4] in (0.0, 1.0):
            for seed in (0, 1):
                # The grey column moves by more than it changes.
                wiggle = 0.001 if cell[3] == "none" else 0.05
                found[seed]["final"] = finals[cell[1], cell[3]] + wiggle * seed * bool(cell[1])
    experiment = results.study.experiments["6-matrix"]
    _, shown = matrix_section(results, "6-matrix", experiment, tmp_path)
    assert "<tr><td>clean</td><td>90.0 ± 0.0</td><td>80.0 ± 0.0</td></tr>" in shown
    assert '<td>blocks of colour</td><td class="hurt">30.0 ± 0.6</td>' in shown
    assert "<td>82.5 ± 31.8</td>" in shown


def test_without_defences_the_matrix_has_victims_across(
    finished: tuple[Path, Path], tmp_path: Path
) -> None:
    results = _results(finished)
    experiment = replace(results.study.experiments["6-matrix"], defences=("none",))
    _, shown = matrix_section(results, "6-matrix", experiment, tmp_path)
    assert "<th>accuracy, %</th><th>scratch</th>" in shown
    assert shown.count("<tr>") == 3
    assert "not run" not in shown


def test_verdicts_say_what_is_open_and_how_many_seeds_it_would_take(
    finished: tuple[Path, Path],
) -> None:
    results = _results(finished)
    for cell, found in results.cells.items():
        if cell[2] == "scratch":
            for seed in (0, 1):
                found[seed]["final"] = 0.5 + (0.04 * seed if cell[1] else 0.0)
    answers = dict(verdicts(results))
    assert "no loss is established" in answers["What would contamination do to my training set?"]
    sure = answers["What does it take to be sure?"]
    # The changes are 0 and .04: t(n - 1) .0283 / sqrt(n) <= .02.
    assert "varies by 0.028" in sure
    assert "takes about 11 seeds" in sure
    noticed = answers["Would I notice?"]
    assert noticed.startswith("Of 2 clean sets: no detector finds any; of 2 sets with 50% poisoned")
