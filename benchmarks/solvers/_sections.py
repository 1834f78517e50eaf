"""What is measured: the comparison, truncation, warm starts, memory, one large problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.solvers._outcome import Contender
from benchmarks.solvers._problems import Case, enlarged, make_problem, untruncated
from benchmarks.solvers._records import Key
from benchmarks.solvers._runner import Runner
from benchmarks.solvers._settings import Settings
from kernel_ot.problem import Problem
from kernel_ot.solvers import lift, solve

COMPARISON, TRUNCATION, WARM, MEMORY, LARGE = (
    "comparison",
    "truncation",
    "warm start",
    "memory",
    "large",
)
SECTIONS = (COMPARISON, TRUNCATION, WARM, MEMORY, LARGE)
_REFERENCE = ("wide", "narrow")
# The methods that are meant for use, as against baselines.
_PRACTICAL = ("auto", "ssn", "interior_point")


@dataclass(frozen=True)
class Section:
    """A part of the benchmark: its name, how many measurements it may make, and making them."""

    name: str
    count: int
    run: Callable[[Runner], None]


def sections(settings: Settings, contenders: Sequence[Contender]) -> list[Section]:
    """Return all parts, the quickest first, so that an interrupted run has some of everything."""
    practical = [c for c in contenders if c.name in _PRACTICAL]
    own = [c for c in contenders if c.is_ours]
    parts = [
        _warm_starts(settings, [c for c in practical if c.name != "auto"]),
        _truncation(settings, practical),
        _memory(settings, own),
        *(
            _comparison(Case(family, d, size, seed), settings, contenders)
            for size, seeds in settings.sizes
            for seed in range(1, seeds + 1)
            for d in settings.dimensions
            for family in _REFERENCE
        ),
    ]
    if settings.large_size is not None:
        parts.append(_large(settings, settings.large_size, practical[:1]))
    return parts


def _key(
    section: str,
    case: Case,
    contender: str,
    *,
    variant: str = "",
    start: str = "cold",
    repetition: int = 0,
) -> Key:
    return Key(
        section,
        case.family,
        case.d,
        case.l,
        case.seed,
        case.rank_tol,
        variant,
        start,
        contender,
        repetition,
    )


def _comparison(case: Case, settings: Settings, contenders: Sequence[Contender]) -> Section:
    def run(runner: Runner) -> None:
        problem: Problem | None = None
        spent = dict.fromkeys((c.name for c in contenders), 0.0)
        for repetition in range(settings.repetitions):
            # Each contender takes each place in turn, so that none always follows a heavy one.
            turn = repetition % len(contenders)
            for contender in (*contenders[turn:], *contenders[:turn]):
                key = _key(COMPARISON, case, contender.name, repetition=repetition)
                known = runner.records.find(key)
                if known is None and spent[contender.name] >= settings.repeat_seconds:
                    runner.drop(1)
                    continue
                if runner.missing([key]):
                    problem = make_problem(case) if problem is None else problem
                    known = runner.measure(key, problem, contender)
                assert known is not None
                # What was cut off, failed or skipped is not tried again; NaN compares as such.
                again = known.seconds < settings.repeat_seconds and not known.was_cut_off
                spent[contender.name] += known.seconds if again else float("inf")

    return Section(COMPARISON, len(contenders) * settings.repetitions, run)


def _truncation(settings: Settings, contenders: Sequence[Contender]) -> Section:
    """Time with K truncated, and what truncation does to the optimum at the smaller sizes."""
    cases = [
        Case(family, d, size, 1, settings.truncation)
        for size in settings.truncated_sizes
        for family, d in (("wide", 1), ("wide", 2), ("pairs", 2))
    ]
    whole = {untruncated(case) for case in cases if case.l < settings.truncated_sizes[-1]}
    jobs = [(case, settings.repetitions) for case in cases]
    jobs += [(case, 1) for case in sorted(whole)]

    def run(runner: Runner) -> None:
        for case, repetitions in jobs:
            keys = [
                (_key(TRUNCATION, case, contender.name, repetition=repetition), contender)
                for repetition in range(repetitions)
                for contender in contenders
            ]
            missing = set(runner.missing([key for key, _ in keys]))
            if missing:
                problem = make_problem(case)
                for key, contender in keys:
                    if key in missing:
                        runner.measure(key, problem, contender)

    count = sum(repetitions for _, repetitions in jobs) * len(contenders)
    return Section(TRUNCATION, count, run)


_CHANGES: dict[str, Callable[[Case], dict[str, Any]]] = {
    "lambda_1 x 2": lambda case: {"sos_factor": 2.0},
    "lambda_1 / 2": lambda case: {"sos_factor": 0.5},
    "lambda_2 x 2": lambda case: {"potential_factor": 2.0},
    "lambda_2 / 2": lambda case: {"potential_factor": 0.5},
    "l + 10 %": lambda case: {"n_fill": enlarged(case.l)},
}
_STARTS = ("cold", "warm")


def _warm_starts(settings: Settings, contenders: Sequence[Contender]) -> Section:
    cases = [
        Case(family, 2, size, 1)
        for size in settings.warm_sizes
        for family in ("wide", "narrow", "pairs")
    ]

    def run(runner: Runner) -> None:
        for case in cases:
            keys = {
                (variant, contender.name, start): _key(
                    WARM, case, contender.name, variant=variant, start=start
                )
                for variant in _CHANGES
                for contender in contenders
                for start in _STARTS
            }
            missing = set(runner.missing(list(keys.values())))
            if not missing:
                continue
            base = make_problem(case)
            solution = solve(base, time_limit=settings.budget)
            for variant in _CHANGES:
                problem = make_problem(case, **_CHANGES[variant](case))
                given = lift(solution, base, problem)
                for contender in contenders:
                    for start in _STARTS:
                        key = keys[variant, contender.name, start]
                        if key in missing:
                            init = given if start == "warm" else None
                            runner.measure(key, problem, contender, start=init)

    return Section(WARM, len(cases) * len(_CHANGES) * len(contenders) * len(_STARTS), run)


def _memory(settings: Settings, contenders: Sequence[Contender]) -> Section:
    sizes = settings.memory_sizes
    cases = [Case(family, 2, size, 1) for size in sizes for family in _REFERENCE]
    cases += [Case("wide", 1, size, 1, settings.truncation) for size in sizes]

    def run(runner: Runner) -> None:
        for case in cases:
            keys = [_key(MEMORY, case, contender.name) for contender in contenders]
            missing = set(runner.missing(keys))
            if missing:
                problem = make_problem(case)
                for key, contender in zip(keys, contenders, strict=True):
                    if key in missing:
                        # A baseline's memory is the same in every step; it need not arrive.
                        share = 1.0 if contender.name in _PRACTICAL else 0.1
                        budget = share * settings.budget
                        runner.measure(key, problem, contender, with_memory=True, budget=budget)

    return Section(MEMORY, len(cases) * len(contenders), run)


def _large(settings: Settings, size: int, contenders: Sequence[Contender]) -> Section:
    case = Case("pairs", 2, size, 1, settings.large_rank_tol)

    def run(runner: Runner) -> None:
        keys = [_key(LARGE, case, contender.name) for contender in contenders]
        missing = set(runner.missing(keys))
        if missing:
            problem = make_problem(case)
            for key, contender in zip(keys, contenders, strict=True):
                if key in missing:
                    runner.measure(
                        key, problem, contender, with_memory=True, budget=settings.large_budget
                    )

    return Section(LARGE, len(contenders), run)
