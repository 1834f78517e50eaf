"""How the site is built: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _sphinx.benchmark_figures import draw_benchmark_figures
from _sphinx.docstrings import keep_bars, skip_metadata_routing
from _sphinx.inventories import local_inventories
from _sphinx.mathjax import vendored_mathjax
from _sphinx.repository import ROOT, URL, changelog_page, source_role
from kernel_ot import __version__

HERE = Path(__file__).parent
BUILD = HERE / "_build"

project = "kernel-ot"
author = "The kernel-ot developers"
copyright = "2026, " + author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_sphinx", "**/README.txt"]
default_role = "code"
rst_prolog = """
.. role:: python(code)
   :language: python
"""

# Docstrings. Parameters and attributes are numpydoc's lists; members are the page template's.
autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say it, with shapes
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
# Names of other projects link to their sites; the inventories are made here, so that a build needs
# no network and does not change when another site does.
intersphinx_mapping = local_inventories(BUILD / "inventories")

# Formulas are drawn by a copy of MathJax in the site: its pages ask nothing of the network.
mathjax_path = vendored_mathjax(BUILD / "vendor")
# An absolute path would hide the file from a site that is opened from a folder.
mathjax_options = {"defer": "defer"}
changelog_page(ROOT / "CHANGELOG.md", BUILD / "changelog.rst")
draw_benchmark_figures(ROOT / "benchmarks" / "results", BUILD / "figures", URL)

html_theme = "pydata_sphinx_theme"
html_title = "kernel-ot"
html_static_path = ["_static", str(BUILD / "vendor")]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_show_search_summary = False  # a page opened from a folder may not read other files
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_nav_level": 1,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "icon_links": [{"name": "Source", "url": URL, "icon": "fa-brands fa-github"}],
    "show_prev_next": True,
    "back_to_top_button": False,
}
# Gallery pages need the width for their code; the gallery itself is the list of them.
html_sidebars = {"index": [], "benchmarks": [], "reference/index": [], "gallery/**": []}

sphinx_gallery_conf = {
    "examples_dirs": [str(ROOT / "examples")],
    "gallery_dirs": ["gallery"],
    "filename_pattern": "/plot_",
    "ignore_pattern": "large_samples_on_dask",  # a script for a shell, shown by its page
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("kernel_ot",),
    "reference_url": {"kernel_ot": None},
    "backreferences_dir": "reference/backreferences",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1,
    "write_computation_times": False,
    "remove_config_comments": True,
    "matplotlib_animations": False,
    "image_srcset": ["2x"],
    "plot_gallery": True,
    "parallel": 2,
    "first_notebook_cell": None,
    "show_signature": False,
}


def setup(app):  # type: ignore[no-untyped-def]
    """Connect what is above."""
    app.add_role("source", source_role)
    app.connect("autodoc-skip-member", skip_metadata_routing)
    app.connect("autodoc-process-docstring", keep_bars, priority=400)  # before numpydoc
