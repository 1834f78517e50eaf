"""One file of MathJax from the npm registry, checked against its known digest."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

_PACKAGE = "mathjax@3.2.2"
# `npm view mathjax@3.2.2 dist.integrity`
_SHA512 = "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw=="
# Draws with SVG and holds its fonts and all TeX extensions: it never loads another file.
_MEMBER = "package/es5/tex-svg-full.js"
_NAME = "mathjax-3.2.2.js"


def vendored_mathjax(folder: Path) -> str:
    """Return the file's name inside `folder`, fetching it if it is not there yet.

    Raises
    ------
    RuntimeError
        npm is missing, the registry does not answer, or what came is not the known package.
    """
    target = folder / _NAME
    if target.exists():
        return _NAME
    if shutil.which("npm") is None:
        raise RuntimeError(
            f"The site ships MathJax, which npm fetches: install npm, or put {_MEMBER} of "
            f"{_PACKAGE} at {target}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        command = ["npm", "pack", "--silent", _PACKAGE]
        try:
            packed = subprocess.run(
                command, cwd=scratch, check=True, capture_output=True, text=True, timeout=120
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(f"npm pack {_PACKAGE} failed: {error}") from error
        archive = Path(scratch) / packed.stdout.split()[-1]
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != _SHA512:
            raise RuntimeError(f"{_PACKAGE} has the digest {digest}, not {_SHA512}.")
        with tarfile.open(archive) as package:
            content = package.extractfile(_MEMBER)
            assert content is not None
            unfinished = target.with_suffix(".part")
            unfinished.write_bytes(content.read())
            unfinished.replace(target)
    return _NAME
