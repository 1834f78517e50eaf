from __future__ import annotations

import csv
import json
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest
from benchmarks.solvers._cvxpy import Cvxpy
from benchmarks.solvers._main import main
from benchmarks.solvers._otssn import Otssn, as_matlab
from benchmarks.solvers._outcome import Outcome, judge
from benchmarks.solvers._problems import Case, make_problem
from benchmarks.solvers._records import CUT_OFF, SKIPPED, Key, Records, Row
from benchmarks.solvers._runner import Runner
from benchmarks.solvers._settings import Settings
from benchmarks.solvers._summary import best_objectives, is_solved, summarise
from benchmarks.solvers._tables import report
from scipy.spatial.distance import pdist

from kernel_ot.problem import Problem
from kernel_ot.solvers import METHODS

TINY = Settings(
    dimensions=(2,),
    sizes=((12, 1), (16, 1)),
    repetitions=2,
    repeat_seconds=1.0,
    budget=20.0,
    truncated_sizes=(16,),
    warm_sizes=(12,),
    memory_sizes=(16,),
)
KEY = Key("comparison", "wide", 2, 50, 1, 0.0, "", "cold", "auto", 0)


def test_a_tiny_run_writes_all_files_and_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--out", str(tmp_path), "--threads", "1", "--only", "auto", "ssn"]
    assert main(arguments, settings=TINY) == 0
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["section"] for row in rows} == {"comparison", "truncation", "warm start", "memory"}
    assert {row["status"] for row in rows} == {"CONVERGED"}
    assert all(float(row["residual"]) <= 1e-8 for row in rows)
    assert all(float(r["peak_matrices"]) > 1 for r in rows if r["section"] == "memory")
    table = (tmp_path / "table.md").read_text()
    assert "| wide | 2 | 16 |" in table
    assert "2 of 2" in table
    for name in ("time_wide", "time_narrow", "residual_wide", "residual_narrow"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")

    only = tmp_path / "only"
    assert main([*arguments, "--out", str(only), "--sections", "memory"], settings=TINY) == 0
    with (only / "results.csv").open(newline="") as file:
        assert {row["section"] for row in csv.DictReader(file)} == {"memory"}

    before = (tmp_path / "results.csv").read_bytes()
    assert main(arguments, settings=TINY) == 0
    assert (tmp_path / "results.csv").read_bytes() == before

    description = json.loads((tmp_path / "machine.json").read_text())
    (tmp_path / "machine.json").write_text(json.dumps({**description, "cpu": "abacus"}))
    assert main(arguments, settings=TINY) == 1
    assert "another cpu" in capsys.readouterr().err


def test_every_method_of_the_library_is_a_contender(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="interior_point") as stopped:
        main(["--out", str(tmp_path), "--only", "abacus"])
    assert all(name in str(stopped.value) for name in ("auto", *METHODS, "CVXPY CLARABEL 1e-9"))


def test_the_families_are_the_papers_problems() -> None:
    case = Case("wide", 3, 20, seed=4)
    wide, narrow = make_problem(case), make_problem(replace(case, family="narrow"))
    assert wide.provenance is not None
    assert narrow.provenance is not None
    s = wide.provenance
    sigma = np.median(pdist(np.vstack([s.x, s.y]))) ** 2 / 2
    first, second = s.x[:1], s.x[1:2]
    distance = ((first - second) ** 2).sum()
    assert s.kernel_x(first, second) == pytest.approx(np.exp(-distance / sigma))
    assert narrow.provenance.kernel_x(first, second) == pytest.approx(np.exp(-distance / 0.005))
    assert (wide.reg_sos, wide.reg_potential) == (1 / 20, 1 / np.sqrt(20))
    larger = make_problem(case, n_fill=22)
    assert larger.provenance is not None
    np.testing.assert_array_equal(larger.provenance.x_fill[:20], s.x_fill)
    np.testing.assert_array_equal(make_problem(case).linear, wide.linear)
    assert not np.array_equal(make_problem(replace(case, seed=5)).linear, wide.linear)


def test_a_peer_is_judged_by_its_own_multiplier() -> None:
    problem = make_problem(Case("wide", 2, 12, 1))
    outcome = Cvxpy("CLARABEL", 1e-9, threads=1).run(problem, 60.0)
    assert outcome.status == "OPTIMAL"
    assert judge(problem, outcome).residual <= 1e-7
    without = judge(problem, replace(outcome, multiplier=None))
    assert np.isnan(without.residual)
    assert without.objective == judge(problem, outcome).objective


def test_the_authors_code_is_left_out_with_a_reason(tmp_path: Path) -> None:
    assert "--otssn" in str(Otssn("SSN", None, 1).unavailable())
    assert "SSN.m" in str(Otssn("SSN", tmp_path, 1).unavailable())


def test_the_authors_code_gets_the_same_problem() -> None:
    problem = make_problem(Case("pairs", 2, 20, 1, 1e-2))
    data = as_matlab(problem)["data"]
    assert problem.rank < 20
    features = data["Phi"]
    np.testing.assert_allclose(features.T @ features, problem.features.T @ problem.features)
    np.testing.assert_allclose(data["KX1"] + data["KY1"], problem.quadratic)
    embedding = data["KX2"].mean(axis=0) + data["KY2"].mean(axis=0)
    linear = embedding - 2 * problem.reg_potential * data["M"][:, 0]
    np.testing.assert_allclose(linear, problem.linear, atol=1e-12)


def test_times_are_counted_in_eigendecompositions_and_only_of_solutions() -> None:
    right = Row(**vars(KEY), seconds=3.0, objective=1.0, residual=1e-9, violation=0.0)
    wrong = replace(right, seed=2, seconds=0.1, objective=1.01)
    truth = replace(wrong, contender="ssn", objective=1.0)
    best = best_objectives([right, truth])
    assert is_solved(right, best)
    assert not is_solved(wrong, best)
    cell = summarise([right, replace(right, repetition=1, seconds=5.0), wrong], best, eigh=0.25)
    assert (cell.seconds, cell.eigh, cell.solved, cell.problems) == (4.0, 16.0, 1, 2)
    assert cell.worst_gap == pytest.approx(0.005)


class _Slow:
    name, is_ours, calls = "slow", False, 0

    def unavailable(self) -> str | None:
        return None

    def run(self, problem: Problem, budget: float, start: object = None) -> Outcome:
        self.calls += 1
        return Outcome(CUT_OFF, budget)


def test_what_was_cut_off_is_not_tried_at_larger_sizes(tmp_path: Path) -> None:
    problem, slow = make_problem(Case("wide", 2, 12, 1)), _Slow()
    runner = Runner(Records(tmp_path), budget=0.5)
    rows = [
        runner.measure(replace(KEY, contender="slow", l=size, seed=seed), problem, slow)
        for size, seed in ((12, 1), (12, 2), (16, 1))
    ]
    assert [row.status for row in rows] == [CUT_OFF, CUT_OFF, SKIPPED]
    assert slow.calls == 2
    again = Runner(Records(tmp_path), budget=0.5)
    assert again.missing([row.key for row in rows]) == []
    assert again.measure(replace(rows[2].key, l=20), problem, slow).status == SKIPPED
    assert "cut, nothing back" in report(again.records.rows, {"cpu": "abacus"})


def test_a_line_that_was_cut_short_is_measured_again(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.add(Row(**vars(KEY), seconds=1.0), [(0.0, 1.0), (0.5, nan)])
    with records.table.open("a") as file:
        file.write("comparison,wide,2,50")
    found = Records(tmp_path)
    assert [row.key for row in found.rows] == [KEY]
    assert [seconds for seconds, _ in found.histories[KEY]] == [0.0, 0.5]
