"""The page ARCHITECTURE.md against the code: folders, imports, sizes of files."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "kernel_ot"
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
MOST_LINES = 400
OPTIONAL = (
    *("sklearn", "matplotlib", "typer", "tqdm", "jax", "pandas", "anndata", "cvxpy", "PIL"),
    *("polars", "pyarrow", "ot", "skada", "scanpy", "dask"),
)


def _rows() -> list[tuple[list[str], str]]:
    """Return the table's rows: the folders a row is about, and what they may import."""
    rows = []
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        folders = re.findall(r"`(\w+)/`", cells[0])
        if line.startswith("|") and folders:
            rows.append((folders, cells[2]))
    return rows


ROWS = _rows()
LEVEL = {folder: level for level, (folders, _) in enumerate(ROWS) for folder in folders}


def _folders() -> list[str]:
    return sorted(p.name for p in PACKAGE.iterdir() if p.is_dir() and any(p.glob("*.py")))


def _modules() -> list[Path]:
    return sorted(PACKAGE.glob("*/**/*.py"))


def _imported(path: Path) -> set[tuple[str, int]]:
    """Return the folders of the package that a module imports, wherever in it, and the lines."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names = [node.module or ""]
            if node.module == "kernel_ot":
                names = [f"kernel_ot.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "kernel_ot" and len(parts) > 1:
                found.add((parts[1], getattr(node, "lineno", 0)))
    return found


def test_the_table_is_read() -> None:
    assert len(ROWS) >= 10
    assert LEVEL["_arrays"] == 0
    assert LEVEL["kernels"] < LEVEL["problem"] < LEVEL["solvers"] < LEVEL["estimator"]


def test_the_table_names_every_folder_and_no_other() -> None:
    assert set(_folders()) == set(LEVEL)


@pytest.mark.parametrize(("folders", "listed"), ROWS, ids=[folders[0] for folders, _ in ROWS])
def test_the_last_column_is_what_a_room_imports(folders: list[str], listed: str) -> None:
    imported = {
        name
        for folder in folders
        for path in (PACKAGE / folder).rglob("*.py")
        for name, _ in _imported(path)
    }
    assert set(re.findall(r"`(\w+)`", listed)) == (imported & set(LEVEL)) - {"_arrays", *folders}


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_upwards(path: Path) -> None:
    folder = path.relative_to(PACKAGE).parts[0]
    for name, line in _imported(path):
        if name in LEVEL and name != folder:
            assert LEVEL[name] <= LEVEL[folder], f"{path}:{line} imports {name} from below"


@pytest.mark.parametrize("path", _modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_other_folders_are_entered_by_the_front_door(path: Path) -> None:
    folder = path.relative_to(PACKAGE).parts[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kernel_ot."):
            parts = (node.module or "").split(".")
            private = [part for part in parts[2:] if part.startswith("_")]
            assert parts[1] == folder or not private, f"{path}:{node.lineno} imports {node.module}"


@pytest.mark.parametrize("folder", _folders())
def test_modules_in_folders_are_private_and_documented(folder: str) -> None:
    assert (PACKAGE / folder / "__init__.py").exists()
    for path in (PACKAGE / folder).glob("*.py"):
        assert path.name.startswith("_"), path
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def _public_names(path: Path) -> list[str]:
    """Return the names in the `__all__` of a module, as the reference writes them."""
    room = ".".join(path.parent.relative_to(PACKAGE).parts)
    return [
        f"{room}.{name}".lstrip(".")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.literal_eval(node.value)
        if not name.startswith("_") and (room or name not in LEVEL)
    ]


def test_public_is_what_the_reference_lists_each_name_in_one_place() -> None:
    public = [name for path in PACKAGE.rglob("*.py") for name in _public_names(path)]
    page = (ROOT / "docs" / "reference" / "index.rst").read_text()
    assert sorted(public) == sorted(re.findall(r"^   ([\w.]+)$", page, flags=re.MULTILINE))


@pytest.mark.parametrize("room", [PACKAGE / folder for folder in LEVEL], ids=lambda p: p.name)
def test_a_room_without_public_names_says_so(room: Path) -> None:
    front_door = room / "__init__.py"
    docstring = ast.get_docstring(ast.parse(front_door.read_text())) or ""
    assert ("Nothing here is public" in docstring) == (not _public_names(front_door))


def test_no_file_is_long() -> None:
    files = [p for part in ("src", "tests", "benchmarks") for p in (ROOT / part).rglob("*.py")]
    assert len(files) > 50
    long = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert long == {}


def _loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(result.stdout.split())


def test_importing_and_solving_needs_only_numpy_and_scipy() -> None:
    solve_something = """
import numpy as np
import kernel_ot
kernel = kernel_ot.kernels.Gaussian(1.0)
points = [np.random.default_rng(0).normal(size=(8, 2))] * 4
problem = kernel_ot.Problem.from_samples(*points, kernel=kernel, reg_sos=1, reg_potential=1)
assert kernel_ot.solve(problem).converged
"""
    assert _loaded_by("import kernel_ot").isdisjoint(OPTIONAL)
    loaded = _loaded_by(solve_something)
    assert loaded.isdisjoint(OPTIONAL)
    assert {"numpy", "scipy", "kernel_ot"} <= loaded


def test_the_estimator_loads_no_more_than_scikit_learn_does() -> None:
    loaded = _loaded_by("import kernel_ot; kernel_ot.KernelOT")
    assert "sklearn" in loaded
    known = _loaded_by("import sklearn.base, sklearn.exceptions") | set(sys.stdlib_module_names)
    ours = {name for name in loaded - known if not name.startswith("_")}
    assert ours <= {"kernel_ot", "threadpoolctl"}


def test_the_command_answers_without_loading_the_library_below_it() -> None:
    loaded = _loaded_by(
        "import sys; sys.argv = ['kernel-ot', '--version']\n"
        "from kernel_ot.cli import main\ntry: main()\nexcept SystemExit: pass"
    )
    assert loaded.isdisjoint({*OPTIONAL} - {"typer"})
