"""Damaged and forged model files: a ValueError with the reason, or the very same model."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz._judge import Array
from benchmarks.fuzz._record import Record, refusal, warnings_as_list
from kernel_ot import KernelOT
from kernel_ot.estimator._model_file import read_archive, write_archive
from kernel_ot.kernels import Gaussian, Matern

# Who writes a right digest can write a model that is optimal to rounding and a little different.
_UNSEEN = 1e-4
POINTS = np.random.default_rng(0).normal(size=(20, 2))


def small_models() -> tuple[KernelOT, ...]:
    """Return fitted models with either road and several kernels."""
    return (
        KernelOT(Gaussian(1.5), reg_potential=1e-2).fit(POINTS, POINTS + 1),
        KernelOT(Matern(1.5, 2.0), reg_potential=3e-3).fit(POINTS, np.exp(POINTS)),
        KernelOT(
            Gaussian(1.0), filling="pairs", n_fill=20, reg_potential=1e2, preconditioner="scale"
        ).fit(POINTS, POINTS - 1),
    )


def fingerprint(model: KernelOT) -> bytes:
    """Return the bits of what a user asks a model for."""
    there, back = model.transform(POINTS), model.inverse_transform(POINTS)
    return bytes(there.tobytes() + back.tobytes() + np.float64(model.cost_).tobytes())


def _alike(model: KernelOT, other: KernelOT) -> bool:
    """Return whether two models differ by no more than what no check of a forgery could see."""
    return bool(
        np.abs(model.transform(POINTS) - other.transform(POINTS)).max() < _UNSEEN
        and np.abs(model.inverse_transform(POINTS) - other.inverse_transform(POINTS)).max()
        < _UNSEEN
    )


def files(seeds: Iterable[int], folder: Path) -> Record:
    """Damage or forge a model file in one way after the other and load it."""
    record = Record(
        "Model files",
        "A ValueError with the reason, or the same model; where a forger made the digest right, "
        "the same to 1e-4 of the width.",
    )
    whole = []
    for number, model in enumerate(small_models()):
        path = folder / f"whole{number}.kot"
        model.save(path)
        whole.append((path, fingerprint(model), model))
    target = folder / "damaged.kot"
    for seed in seeds:
        rng = np.random.default_rng([4, seed])
        path, bits, model = whole[seed % len(whole)]
        if rng.random() < 0.6:
            kind, content = damaged(path.read_bytes(), rng)
            target.write_bytes(content)
            is_forged = False
        else:
            kind = forged(path, target, rng)
            is_forged = True
        case = f"file {seed}: {kind}"
        with warnings_as_list() as told:
            try:
                loaded = KernelOT.load(target)
                same = fingerprint(loaded) == bits or (is_forged and _alike(loaded, model))
            except Exception as error:
                record.ended(f"{kind.split(' ')[0]}: refused", case, refusal(error, (str(target),)))
                continue
        told = [message for message in told if "was written by kernel-ot" not in message]
        found = "; ".join(told) or ("" if same else "another model was loaded without a word")
        record.ended(f"{kind.split(' ')[0]}: loaded", case, found)
    return record


def damaged(content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """Return a kind of damage and the content with it."""
    kind = str(rng.choice(["flipped", "truncated", "zeroed", "repeated", "exchanged", "appended"]))
    place = int(rng.integers(0, len(content)))
    length = int(rng.integers(1, 200))
    changed = bytearray(content)
    if kind == "flipped":
        changed[place] ^= int(rng.integers(1, 256))
    elif kind == "truncated":
        changed = changed[:place]
    elif kind == "zeroed":
        changed[place : place + length] = bytes(len(changed[place : place + length]))
    elif kind == "repeated":
        changed[place:place] = changed[place : place + length]
    elif kind == "exchanged":
        other = int(rng.integers(0, len(content)))
        changed[place], changed[other] = changed[other], changed[place]
    else:
        changed += bytes(rng.integers(0, 256, length, dtype=np.uint8))
    return f"{kind} at {place}", bytes(changed)


def forged(source: Path, target: Path, rng: np.random.Generator) -> str:
    """Write a file with a right digest whose header or an array was changed; say how."""
    whole, arrays = copy.deepcopy(read_archive(source))
    header: dict[str, Any] = dict(whole)
    del header["arrays"]
    if rng.random() < 0.5:
        name = str(rng.choice(sorted(arrays)))
        kind = f"array {name} {_forge_array(arrays, name, rng)}"
    else:
        kind = f"header {_forge_header(header, rng)}"
    write_archive(target, header, arrays)
    return kind


def _forge_array(arrays: dict[str, Array], name: str, rng: np.random.Generator) -> str:
    how = str(rng.choice(["dropped", "scaled", "cut", "nan", "reversed", "one entry"]))
    array = arrays[name]
    if how == "dropped":
        del arrays[name]
    elif how == "scaled":
        arrays[name] = array * 10.0 ** rng.uniform(-3, 3)
    elif how == "cut":
        arrays[name] = array[:-1]
    elif how == "nan":
        arrays[name] = np.where(rng.random(array.shape) < 0.3, np.nan, array)
    elif how == "reversed":
        arrays[name] = array[::-1].copy()
    else:
        changed = array.copy()
        changed.flat[int(rng.integers(0, changed.size))] += 10.0 ** rng.uniform(-6, 3)
        arrays[name] = changed
    return how


def _forge_header(header: dict[str, Any], rng: np.random.Generator) -> str:
    parent: Any = header
    key: Any = str(rng.choice(sorted(parent)))
    while isinstance(parent[key], dict) and parent[key] and rng.random() < 0.8:
        parent, key = parent[key], str(rng.choice(sorted(parent[key])))
    value = rng.choice(["drop", "null", "text", "number", "list", "huge"])
    if value == "drop":
        del parent[key]
    else:
        parent[key] = {
            "null": None,
            "text": "text",
            "number": float(rng.normal()),
            "list": [[]],
            "huge": 10**400,
        }[str(value)]
    return f"{key} {value}"
