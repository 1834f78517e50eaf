"""Inventories of other projects' names, made from a table instead of from their sites."""

from __future__ import annotations

import zlib
from pathlib import Path

# A project's site, and for each of its pages ({} is the name) the names that our pages mention.
_PROJECTS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "numpy": (
        "https://numpy.org/doc/stable/",
        {
            "reference/generated/{}.html": ("numpy.ndarray", "numpy.memmap"),
            "reference/random/generator.html": ("numpy.random.Generator",),
        },
    ),
    "scipy": (
        "https://docs.scipy.org/doc/scipy/",
        {"reference/generated/{}.html": ("scipy.stats.qmc.Sobol",)},
    ),
    "sklearn": (
        "https://scikit-learn.org/stable/",
        {
            "modules/generated/{}.html": (
                "sklearn.base.BaseEstimator",
                "sklearn.exceptions.ConvergenceWarning",
                "sklearn.model_selection.GridSearchCV",
                "sklearn.pipeline.Pipeline",
                "sklearn.preprocessing.StandardScaler",
            )
        },
    ),
    "joblib": (
        "https://joblib.readthedocs.io/en/stable/",
        {"generated/{}.html": ("joblib.Parallel", "joblib.parallel_config")},
    ),
    "jax": (
        "https://docs.jax.dev/en/latest/",
        {"_autosummary/{}.html": ("jax.jit", "jax.vmap", "jax.grad")},
    ),
    "anndata": (
        "https://anndata.readthedocs.io/en/stable/",
        {"generated/{}.html": ("anndata.AnnData",)},
    ),
}


def local_inventories(folder: Path) -> dict[str, tuple[str, str]]:
    """Write one `objects.inv` a project into `folder` and return intersphinx's mapping."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (site, pages) in _PROJECTS.items():
        lines = [
            f"{name} py:class 1 {page.format(name)}#{name} -\n"
            for page, names in pages.items()
            for name in names
        ]
        # The format's version 2: four plain lines, then the compressed table.
        head = (
            "# Sphinx inventory version 2\n"
            f"# Project: {project}\n# Version: \n"
            "# The remainder of this file is compressed using zlib.\n"
        )
        file = folder / f"{project}.inv"
        file.write_bytes(head.encode() + zlib.compress("".join(lines).encode()))
        mapping[project] = (site, str(file))
    return mapping
