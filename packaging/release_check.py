"""Build sdist and wheel, check their metadata, install each anew and run the README's example.

`make release-check` runs this. It needs the packages `build` and `twine` (extra `release`).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
EXAMPLE = """
import doctest, pathlib, sys
import kernel_ot
assert pathlib.Path(sys.prefix) in pathlib.Path(kernel_ot.__file__).parents, kernel_ot.__file__
text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").replace("```", "")
runner = doctest.DocTestRunner()
runner.run(doctest.DocTestParser().get_doctest(text, {}, "README", sys.argv[1], 0))
failed, attempted = runner.summarize()
sys.exit(failed > 0 or attempted < 4)
"""


def _run(*command: str | Path) -> None:
    print("$", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=ROOT, check=True)


def _check_readme() -> None:
    """Refuse links that an index page cannot follow: relative ones."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    relative = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    if relative:
        sys.exit(f"README.md has relative links, which an index page cannot follow: {relative}")


def _check_contents(version: str) -> list[Path]:
    """Return the two files that were built, or stop."""
    wheels = list(DIST.glob(f"kernel_ot-{version}-py3-none-any.whl"))
    sources = list(DIST.glob(f"kernel_ot-{version}.tar.gz"))
    if len(wheels) != 1 or len(sources) != 1 or len(list(DIST.iterdir())) != 2:
        sys.exit(f"{DIST} holds {sorted(p.name for p in DIST.iterdir())} for version {version}.")
    return [wheels[0], sources[0]]


def _install_and_try(built: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        scripts = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin")
        python = scripts / "python"
        _run(python, "-m", "pip", "install", "--quiet", built)
        _run(python, "-I", "-c", EXAMPLE, ROOT / "README.md")
        _run(scripts / "kernel-ot", "--version")


def main() -> None:
    """Run all of it; the first thing that fails ends it."""
    _check_readme()
    for old in DIST.glob("*"):
        old.unlink()
    _run(sys.executable, "-m", "build", "--outdir", DIST)
    source = (ROOT / "src" / "kernel_ot" / "_version.py").read_text()
    version = re.search(r'__version__ = "(.+)"', source)
    assert version
    built = _check_contents(version[1])
    _run(sys.executable, "-m", "twine", "check", "--strict", *built)
    for file in built:
        _install_and_try(file)
    print(f"both files of {version[1]} install and run")


if __name__ == "__main__":
    main()
