"""The one HTML page."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import torch

from poisoning_study.data import read_manifest
from poisoning_study.files import write_atomically
from poisoning_study.objectives import FORMS, OBJECTIVES
from poisoning_study.protocol import CODE_VERSION, RunStore, Study, recorded_calls
from poisoning_study.report._accuracies import write_accuracies
from poisoning_study.report._detection import detection_section
from poisoning_study.report._findings import findings_section
from poisoning_study.report._html import bullets, page, paragraph, table, text
from poisoning_study.report._loader import loader_section
from poisoning_study.report._matrix import matrix_section
from poisoning_study.report._names import names_table
from poisoning_study.report._numbers import Results
from poisoning_study.report._original import DIFFERENCES
from poisoning_study.report._pictures import pictures_section
from poisoning_study.report._verdicts import verdicts
from poisoning_study.report._victims import READING, table_1, victims_section

#: What was computed with how many digits, and why.
_PRECISION = {
    "double": "Everything that is trained or crafted is in double precision (float64): training "
    "amplifies rounding, and in single precision verdicts near the level depend on the machine.",
    "single": "Everything that is trained or crafted is in single precision (float32) for speed; "
    "training amplifies rounding, so verdicts near the level may differ by machine.",
}
_LOADERS = {"sound": "", "as-published": ", published loader,"}
#: In the order of the page.
_SECTIONS = {
    "matrix": matrix_section,
    "pictures": pictures_section,
    "victims": victims_section,
    "detection": detection_section,
}


def _preface(results: Results) -> list[str]:
    study = results.study
    settings = study.settings
    data = settings.data
    source = (
        f"rendered traffic signs, {data.classes} classes, {data.size} x {data.size} pixels. They "
        "stand in for the benchmark, and figures on them are not figures on it"
        if data.source == "rendered"
        else f"real signs as prepared in {data.folder}, {data.size} x {data.size} pixels"
    )
    if data.digest:
        differs = read_manifest(Path(data.folder))["partial"]
        source += f". Not the whole benchmark: {differs}" if differs else ", the whole benchmark"
    return [
        f"<h1>{text(settings.name)}</h1>",
        *(
            f'<div class="verdict"><h2>{text(question)}</h2><p>{answer}</p></div>'
            for question, answer in verdicts(results)
        ),
        paragraph(
            f"Data: {text(source)}. {results.n_found} of {results.n_asked} runs are there"
            + (", the others say so." if results.n_found < results.n_asked else ".")
            + f" Seeds {', '.join(map(str, settings.seeds))}."
        ),
        *(paragraph(text(note)) for note in settings.notes),
        *_when_and_where(results),
        *_noise_floor(results),
        paragraph(READING, "note"),
    ]


def _differences() -> str:
    rows = [[cell.replace("`", "") for cell in row] for row in DIFFERENCES]
    return table(["", "ours", "original", "why"], rows, css="words")


def _noise_floor(results: Results) -> list[str]:
    """Say in which precision networks were trained, and how much the order of sums moved."""
    sentences = [_PRECISION[results.study.settings.precision]]
    floors = results.floors
    if floors:
        n = sum(floor.degrees for floor in floors.values())
        spreads = "; ".join(
            f"{text(results.words(victim))}{_LOADERS[loader]} {floor.spread:.3f} ({floor.degrees} "
            "degrees of freedom)"
            for (victim, loader), floor in floors.items()
        )
        sentences.append(
            f"Noise floor: {n} accuracies were computed again in another order of sums, from the "
            "encoder over the poison to the victim. The order of sums moves no accuracy by more "
            f"than {max(floor.largest for floor in floors.values()):.3f}; standard deviation: "
            f"{spreads}. No interval of a difference is narrower than that allows."
        )
    return [paragraph(" ".join(sentences), "note")]


def _when_and_where(results: Results) -> list[str]:
    sentences = []
    for call in recorded_calls(results.store.root):
        load = (
            f", load {call['load_at_start']} at its start and {call['load_at_end']} at its end"
            if call["load_at_start"] is not None
            else ""
        )
        sentences.append(
            f"{call['jobs']} jobs in {call['seconds'] / 60:.1f} minutes "
            f"({call['processor_seconds'] / 60:.1f} processor minutes) from {call['started']}, "
            f"{call['workers']} workers on {call['processors']} processors "
            f"({call['processor']}, {call.get('capability', '?')}, {call.get('versions', '?')}, "
            f"device {call.get('device', 'cpu')}{load})."
        )
    return [paragraph("Run: " + text(" ".join(sentences)), "note")] if sentences else []


def _not_run(results: Results) -> list[str]:
    study = results.study
    rendered = study.settings.data.source == "rendered"
    items = []
    if rendered:
        items.append(
            "Nothing here was run on the German Traffic Sign Recognition Benchmark, with ImageNet "
            "encoders or at the original's size. The configurations in <code>configs/gtsrb</code> "
            "do that; they need the archive and timm's weights, and <b>have not been run</b>."
        )
        items.append(
            "Poisons are crafted with sound encoders throughout; <code>as_published</code> in a "
            "poison's table repeats the defects there too, and is in the full configurations."
        )
    crafted = {
        (study.poisons[name].objective, study.poisons[name].form)
        for experiment in study.experiments.values()
        for name in experiment.poisons
    }
    missed = [
        f"{objective}, {form}"
        for objective in OBJECTIVES
        if objective != "adversarial"
        for form in FORMS
        if (objective, form) not in crafted
    ]
    if missed:
        items.append(
            f"Perturbations that the code offers and no experiment here uses: {'; '.join(missed)}."
        )
    singles = [
        e.title for e in study.experiments.values() if len(study.seeds(e)) == 1 and not e.replicates
    ]
    items += [f"{text(title)}: one seed, so a lead and not a finding." for title in singles]
    items += [f"<b>Failed</b>: {text(message)}" for message in results.store.failures()]
    missing = results.n_asked - results.n_found
    if missing:
        items.append(f"{missing} of {results.n_asked} runs of these configurations are missing.")
    return ["<h2>What has not been run</h2>", bullets(items)]


def _details() -> str:
    return paragraph(
        f"Python {platform.python_version()}, torch {text(torch.__version__)}, NumPy "
        f"{np.__version__}, results of code version {CODE_VERSION}. Every run is a JSON file with "
        "its whole configuration under <code>runs/</code>; figures are under "
        "<code>figures/</code>; every accuracy and change, with its verdict, is a row of "
        "<code>accuracies.csv</code>.",
        "note",
    )


def write_report(study: Study, out: Path) -> Path:
    """Write `out/report.html`, its figures and `out/accuracies.csv` from what is there.

    Returns
    -------
    Path
        The page, self-contained.
    """
    results = Results(study, RunStore(out / "runs"))
    write_accuracies(results, out / "accuracies.csv")
    figures = out / "figures"
    body = _preface(results)
    body += loader_section(results)
    if any(experiment.table_1 for experiment in study.experiments.values()):
        body += [
            "<h2>The original's Table 1 beside ours</h2>",
            table_1(results),
            paragraph(
                "The original's figures are one run each, on the benchmark's 43 classes. Ours are "
                "on other data, so their course can be compared, not their level.",
                "note",
            ),
        ]
    order = list(_SECTIONS)
    for name, experiment in sorted(
        study.experiments.items(), key=lambda item: order.index(item[1].kind)
    ):
        body += [
            f"<h2>{text(experiment.title)}</h2>",
            paragraph(text(experiment.question), "question"),
        ]
        body += _SECTIONS[experiment.kind](results, name, experiment, figures)
    body += ["<h2>Everything that these runs bear out</h2>", *findings_section(results)]
    body += ["<h2>Names</h2>", names_table(study)]
    body += ["<h2>Ours and the original</h2>", _differences()]
    body += [*_not_run(results), _details()]
    target = out / "report.html"
    content = page(study.settings.name, body).encode()
    write_atomically(target, lambda stream: stream.write(content))
    return target
