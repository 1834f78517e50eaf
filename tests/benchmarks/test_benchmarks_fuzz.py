"""The campaign's judge, which has to see what is wrong, and its parts in a short form."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.fuzz.__main__ import main
from benchmarks.fuzz._disk import disk
from benchmarks.fuzz._files import files
from benchmarks.fuzz._judge import clarabel_objective, fault, judge
from benchmarks.fuzz._problems import problems, tame, tame_problem
from benchmarks.fuzz._record import Record, refusal
from benchmarks.fuzz._samples import samples
from benchmarks.fuzz._signals import signals

from kernel_ot import solve

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(3))
def test_the_judge_brackets_the_optimum_that_clarabel_finds(seed: int) -> None:
    problem, _ = tame_problem(np.random.default_rng(seed))
    found = judge(problem, solve(problem, tol=1e-10))
    reference = clarabel_objective(problem)
    assert reference is not None
    assert found.lower <= found.upper + 1e-12 * found.scale
    assert found.error < 1e-9
    assert found.lower == pytest.approx(reference, abs=1e-5 * found.scale)


def test_the_judge_sees_what_is_wrong() -> None:
    problem, _ = tame_problem(np.random.default_rng(0))
    right = solve(problem, tol=1e-10)
    assert fault(problem, right, 1e-8) == ""
    moved = replace(right, gamma=right.gamma * (1 + 1e-3))
    wrong = {
        "claims the objective": replace(right, objective=right.objective + 1e-3),
        "claims the cost": replace(right, cost=right.cost + 1e-3),
        "error bound": replace(
            moved,
            objective=float(problem.objective(moved.gamma)),
            cost=float(problem.cost(moved.gamma)),
        ),
        "optimum in": replace(right, multiplier=np.zeros_like(right.multiplier)),
    }
    for message, solution in wrong.items():
        assert message in fault(problem, solution, 1e-8)


def test_only_messages_about_arguments_are_refusals() -> None:
    assert refusal(ValueError("x contains nan"), ("x ",)) == ""
    for error in (ValueError("gram is not symmetric"), KeyError("x ")):
        with pytest.raises(type(error)) as raised:
            raise error
        assert "test_benchmarks_fuzz.py" in refusal(raised.value, ("x ",))


def clean(record: Record, at_least: int) -> None:
    assert record.tried >= at_least
    assert record.findings == []


def test_problems_in_short() -> None:
    clean(problems(range(18)), 18)
    clean(tame(range(4)), 12)


def test_samples_in_short() -> None:
    clean(samples(range(8)), 8)


def test_files_in_short(tmp_path: Path) -> None:
    clean(files(range(90), tmp_path), 90)


def test_interruptions_in_short(tmp_path: Path) -> None:
    record = signals(range(24), tmp_path, commands=1)
    clean(record, 25)


def test_disk_in_short(tmp_path: Path) -> None:
    clean(disk(tmp_path, kills=1, seconds=0.3), 20)


def test_workers_in_short() -> None:
    # A process of its own: this one has threads of other tests, which forking does not like.
    command = [sys.executable, "-m", "benchmarks.fuzz", "--parts", "workers", "--count", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "**0 findings**" in done.stdout


def test_the_command_writes_a_page_and_a_table(tmp_path: Path) -> None:
    assert main(["--parts", "tame", "--count", "1", "--out", str(tmp_path)]) == 0
    (page,), (table,) = tmp_path.glob("*-fuzz.md"), tmp_path.glob("*-fuzz.csv")
    assert "--parts tame --count 1" in page.read_text()
    assert "auto: CONVERGED" in table.read_text()
