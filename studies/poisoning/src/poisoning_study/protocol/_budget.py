"""A forecast in words, and the refusal of a run that cannot fit the machine."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

import torch

from poisoning_study.devices import device
from poisoning_study.errors import StudyError
from poisoning_study.protocol._forecast import Forecast

#: GFLOP/s of one worker unless `--rate` says otherwise. The reduced study's 8.1 TFLOP took 13.7
#: processor minutes of an AMD EPYC in single precision, 25 in double, overheads included.
DEFAULT_RATES = {"single": 9.8, "double": 5.5}
_GIGA = 1e9


def memory_of_machine() -> float | None:
    """Return the bytes that this process may use: the machine's, or fewer if it is in a group."""
    found = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = Path("/sys/fs/cgroup") / name
        if limit.is_file() and limit.read_text().strip().isdigit():
            found.append(float(limit.read_text()))
    return min(found, default=None)


def _memory_of_device() -> float | None:
    if device().type != "cuda":
        return None
    return float(torch.cuda.get_device_properties(device()).total_memory)


def _needs(found: Forecast, workers: int) -> list[tuple[str, float, float | None]]:
    """Return what is needed and what is there, in bytes: memory, and the device's if there is."""
    host, on_device = found.most(workers, on_device=device().type == "cuda")
    needs: list[tuple[str, float, float | None]] = [("memory", host, memory_of_machine())]
    if device().type == "cuda":
        needs.append(("device memory", on_device, _memory_of_device()))
    return needs


def require_memory(found: Forecast, workers: int) -> None:
    """Refuse a run whose largest stage cannot fit.

    Raises
    ------
    StudyError
        More memory is needed than the machine, or its device, has; with both numbers.
    """
    for name, needed, there in _needs(found, workers):
        if there is not None and needed > there:
            raise StudyError(
                f"{workers} workers need about {needed / _GIGA:.1f} GB of {name}, and there are "
                f"{there / _GIGA:.1f} GB. Use fewer --workers, smaller pictures or batches, or "
                "another machine; --dry-run shows what each job needs."
            )


def budget_lines(
    found: Forecast, *, workers: int, rate: float = DEFAULT_RATES["single"]
) -> list[str]:
    """Return the jobs by stage, and what is to be run in FLOPs, memory and hours.

    Parameters
    ----------
    found : Forecast
        Of the study.
    workers : int
        Processes, taken to be busy throughout.
    rate : float
        GFLOP/s that one worker reaches.

    Raises
    ------
    StudyError
        A rate that is not positive.
    """
    if not rate > 0:
        raise StudyError(f"--rate must be positive GFLOP/s, not {rate}.")
    seconds_each = 1 / (rate * _GIGA * workers)
    lines = [f"{'to run':>7} {'done':>6} {'TFLOP':>12} {'hours':>9} {'GB a job':>9}"]
    for stage, members in groupby(found.groups, key=lambda group: group.stage):
        lines.append(stage)
        for group in members:
            memory = (group.host_bytes + group.network_bytes) / _GIGA
            lines.append(
                f"{group.n_to_run:7d} {group.n_found:6d} {group.flops / 1e12:12.3f} "
                f"{group.flops * seconds_each / 3600:9.3f} {memory:9.2f}  {group.name}"
            )
    n_found = sum(group.n_found for group in found.groups)
    lines += [
        f"{found.n_to_run} jobs to run, {n_found} found done, {found.flops / 1e12:.3f} TFLOP.",
        f"About {found.flops * seconds_each / 3600:.2f} hours at {rate:g} GFLOP/s a worker, "
        f"{workers} workers, device {device().type}. Operations are those of the networks; "
        "rendering, defences and the detectors' statistics are not counted.",
    ]
    for name, needed, there in _needs(found, workers):
        has = "unknown here" if there is None else f"{there / _GIGA:.1f} GB"
        verdict = "" if there is None or needed <= there else ": it CANNOT fit"
        lines.append(f"Needs about {needed / _GIGA:.1f} GB of {name}; there are {has}{verdict}.")
    lines += [f"Not counted: {trouble}" for trouble in found.not_counted]
    return lines
