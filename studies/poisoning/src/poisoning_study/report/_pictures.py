"""Sections on perturbations as such: sheets of pictures, sizes, loss curves."""

from __future__ import annotations

from pathlib import Path

from poisoning_study.protocol import Experiment, load_pool
from poisoning_study.report._figures import loss_curves
from poisoning_study.report._html import CellText, paragraph, picture, table
from poisoning_study.report._numbers import Results
from poisoning_study.report._sheets import one_of_each_class, sheet


def _caption(size: dict[str, float | None]) -> str:
    psnr = f"{size['psnr']:.0f} dB" if size["psnr"] is not None else "unchanged"
    return f"{psnr}, max {size['linf']:.0f}, RMS {size['rms']:.1f} of 255"


def pictures_section(
    results: Results, name: str, experiment: Experiment, figures: Path
) -> list[str]:
    """Return the sheet, the sizes and, where there is a discriminator, its losses."""
    seed = results.study.seeds(experiment)[0]
    found = {
        poison: results.cells[(name, poison, "", "none", 1.0)][seed]
        for poison in experiment.poisons
        if seed in results.cells.get((name, poison, "", "none", 1.0), {})
    }
    if not found:
        return [paragraph("Not run.")]
    train = load_pool(results.store, results.study.settings.data, seed, "train")
    rows = one_of_each_class(train.labels)
    images = {
        results.words(poison): results.study.poison_job(poison, seed).images(results.store)[rows]
        for poison in found
    }
    captions = {results.words(poison): _caption(result["size"]) for poison, result in found.items()}
    parts = [
        picture(
            sheet(train.images[rows], images, captions),
            "One training image a class: clean; then for each perturbation the change, enlarged "
            "around grey, and the poisoned image below it, after rounding to 8 bits.",
            figures,
            f"{name}-sheet",
        )
    ]
    sizes: list[list[CellText]] = [
        [
            results.words(poison),
            f"{result['size']['l2']:.3f}",
            f"{result['size']['linf']:.0f}/255",
            f"{result['size']['rms']:.2f}/255",
            f"{result['size']['psnr']:.1f} dB" if result["size"]["psnr"] is not None else "-",
        ]
        for poison, result in found.items()
    ]
    parts.append(
        table(["perturbation", "mean L2 norm", "largest change", "root mean square", "PSNR"], sizes)
    )
    losses = {
        results.words(poison): result["curves"]
        for poison, result in found.items()
        if result["curves"] and "discriminator, real" in result["curves"][0]
    }
    if losses:
        caption = "The discriminator's losses, both heads together, on poisoned and on real images."
        parts.append(picture(loss_curves(losses), caption, figures, f"{name}-losses"))
    return parts
