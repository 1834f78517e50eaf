"""Interruptions at random moments: the old state or the new one, and exit code 130."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from benchmarks.fuzz._files import POINTS, fingerprint
from benchmarks.fuzz._judge import judge
from benchmarks.fuzz._problems import tame_problem
from benchmarks.fuzz._record import Record
from kernel_ot import KernelOT, Status, solve
from kernel_ot.kernels import Gaussian


def _interrupted(
    action: Callable[[], object], after: float
) -> Exception | KeyboardInterrupt | None:
    """Run `action` with a Ctrl-C after so many processor seconds; return what left it."""
    before = signal.signal(signal.SIGPROF, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_PROF, after)
        action()
        signal.setitimer(signal.ITIMER_PROF, 0.0)
    except (KeyboardInterrupt, Exception) as error:
        return error  # NumPy makes a TypeError of what comes within a comparison of its own
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
    return None


def _seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def signals(seeds: Iterable[int], folder: Path, commands: int = 10) -> Record:
    """Interrupt refits, solves, saves and, `commands` times, the command line."""
    record = Record(
        "Interruptions",
        "The old state or the new one, never a mixture; a solve returns its best point, or raises "
        "before its first one; the command ends with 130.",
    )
    # What is started in the background of a shell ignores Ctrl-C, and so do its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    old, new = (
        KernelOT(Gaussian(1.5), reg_potential=1e-3).fit(POINTS, POINTS + shift) for shift in (1, 3)
    )
    states = {fingerprint(old): "old", fingerprint(new): "new"}
    actions = (_refit, _solve, _save)
    for seed in seeds:
        rng = np.random.default_rng([5, seed])
        actions[seed % len(actions)](record, seed, rng, states, (old, new), folder)
    for number in range(commands):
        _command(record, number, folder)
    return record


def _refit(
    record: Record,
    seed: int,
    rng: np.random.Generator,
    states: dict[bytes, str],
    models: tuple[KernelOT, KernelOT],
    folder: Path,
) -> None:
    model = KernelOT(Gaussian(1.5), reg_potential=1e-3).fit(POINTS, POINTS + 1)
    length = _seconds(lambda: models[1].fit(POINTS, POINTS + 3))
    _interrupted(lambda: model.fit(POINTS, POINTS + 3), rng.uniform(0, 1.1) * length)
    state = states.get(fingerprint(model), "neither")
    record.ended(f"refit: {state}", f"refit {seed}", "a mixture" if state == "neither" else "")


def _solve(
    record: Record,
    seed: int,
    rng: np.random.Generator,
    states: dict[bytes, str],
    models: tuple[KernelOT, KernelOT],
    folder: Path,
) -> None:
    problem, _ = tame_problem(rng)
    method = str(rng.choice(["auto", "ssn", "interior_point"]))
    length = _seconds(lambda: solve(problem, method))
    solutions = []
    points: list[object] = []  # the solve's, from its starting point on
    error = _interrupted(
        lambda: solutions.append(solve(problem, method, callback=points.append)),
        rng.uniform(0, 1.1) * length,
    )
    case = f"solve {seed} {method}"
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        inside = [frame for frame in frames if "/kernel_ot/solvers/" in frame.filename]
        if inside and not points:
            record.ended("solve: raised before its first point", case)
        elif inside and not solutions:
            place = f"{inside[-1].filename.split('/')[-1]}:{inside[-1].lineno}"
            record.ended("solve: left", case, f"KeyboardInterrupt left solve at {place}")
        else:
            record.ended("solve: interrupted outside", case)
        return
    solution = solutions[0]
    found = judge(problem, solution)
    honest = abs(found.value - solution.objective) <= 1e-6 * found.scale
    known = solution.status in (Status.CONVERGED, Status.INTERRUPTED)
    fault = "" if honest and known else f"{solution.status.name}, objective {solution.objective}"
    record.ended(f"solve: {solution.status.name}", case, fault)


def _save(
    record: Record,
    seed: int,
    rng: np.random.Generator,
    states: dict[bytes, str],
    models: tuple[KernelOT, KernelOT],
    folder: Path,
) -> None:
    place = folder / f"save{seed}"
    place.mkdir()
    target = place / "model.kot"
    length = _seconds(lambda: models[0].save(target))
    _interrupted(lambda: models[1].save(target), rng.uniform(0, 1.1) * length)
    state = states.get(fingerprint(KernelOT.load(target)), "neither")
    left = sorted(path.name for path in place.iterdir() if path != target)
    fault = "a mixture" if state == "neither" else f"left behind: {left}" if left else ""
    record.ended(f"save: {state}", f"save {seed}", fault)


def _command(record: Record, number: int, folder: Path) -> None:
    """Interrupt `kernel-ot fit`; from its first output on it has to end with 130."""
    rng = np.random.default_rng([6, number])
    x, y, out = folder / "x.npy", folder / "y.npy", folder / f"command{number}.kot"
    np.save(x, rng.normal(size=(1500, 5)))
    np.save(y, np.exp(rng.normal(size=(1500, 5))))
    command = [sys.executable, "-m", "benchmarks.fuzz._command", "fit", str(x), str(y)]
    process = subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()  # the command has begun
    time.sleep(float(rng.uniform(0, 1.0)))
    process.send_signal(signal.SIGINT)
    output = process.communicate()[0]
    # CPython ends by the signal itself where it came while a string was executed, as dataclasses
    # do when they are made; a shell calls that 130 too.
    code = 130 if process.returncode == -signal.SIGINT else process.returncode
    fault = ""
    if code not in (0, 130):
        fault = f"exit code {code}"
    elif "Traceback" in output:
        fault = "a traceback"
    elif (code == 0) != out.exists():
        fault = f"exit code {code}, file there: {out.exists()}"
    record.ended(f"command: {code}", f"command {number}", fault)
