from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from poisoning_study import StudyError
from poisoning_study.families import at_level, holm
from poisoning_study.protocol import load_study
from poisoning_study.report._numbers import Mean, in_family, mean_of

CONFIGS = Path(__file__).parents[1] / "configs"


def test_holm_errs_in_one_family_of_twenty() -> None:
    rng = np.random.default_rng(0)
    families = [rng.random(8) for _ in range(2000)]
    wrong = np.mean([min(holm(list(family))) <= 0.05 for family in families])
    # Independent and all null: 1 - (1 - .05 / 8) ** 8.
    assert wrong == pytest.approx(1 - (1 - 0.05 / 8) ** 8, abs=0.015)
    assert np.mean([family.min() <= 0.05 for family in families]) > 0.3


def test_holm_is_monotone_and_never_below_the_p_value() -> None:
    for seed in range(20):
        p_values = np.random.default_rng(seed).random(7) ** 3
        adjusted = np.array(holm(list(p_values)))
        order = p_values.argsort()
        assert (np.diff(adjusted[order]) >= 0).all()
        assert (adjusted >= p_values).all()
        assert adjusted[order[0]] == pytest.approx(min(1, 7 * p_values.min()))
    assert holm([]) == []
    # Of 12 classes one can be found with 239 permutations, not with 238.
    assert at_level(holm([1 / 240] + [1.0] * 11)[0])
    assert not at_level(holm([1 / 239] + [1.0] * 11)[0])


def test_the_p_value_of_a_mean_is_that_of_its_t_test() -> None:
    values = [0.03, -0.01, 0.05, 0.02]
    mean = mean_of(values)
    assert mean.p_value == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert mean_of([0.5]).p_value is None
    assert mean_of([0.0, 0.0]).p_value == 1.0


def test_verdicts_are_those_of_the_family() -> None:
    one = Mean(-0.1, 0.09, 5)
    assert one.verdict(0.02) == "falls"
    weak = [Mean(0.01 * k, 0.3, 5) for k in range(9)]
    assert [mean.verdict(0.02) for mean in in_family([one, *weak], 0.02)] == ["open"] * 10
    strong = in_family([Mean(-0.1, 0.02, 5), *weak], 0.02)[0]
    assert strong.verdict(0.02) == "falls"
    assert Mean(0.1, 0.02, 5).verdict(0.02) == "rises"
    assert in_family([mean_of([0.5]), one], 0.02)[0].verdict(0.02) == "open"


def test_the_margin_of_equivalence_is_the_configurations() -> None:
    narrow = Mean(0.01, 0.02, 5)
    assert narrow.verdict(0.02) == "open"
    assert narrow.verdict(0.05) == "none"
    # The rule of a single comparison is that of its interval, to the last digit.
    assert Mean(0.01, 0.0099, 5).verdict(0.02) == "none"
    assert Mean(0.01, 0.0101, 5).p_equal(0.02) > 0.05  # type: ignore[operator]
    # Among many, one that just lies within the margin may do so by luck.
    family = in_family([Mean(0.01, 0.0099, 5), *[Mean(0.0, 0.3, 5)] * 9], 0.02)
    assert family[0].verdict(0.02) == "open"
    surely = in_family([Mean(0.0, 0.002, 5), *[Mean(0.0, 0.3, 5)] * 9], 0.02)[0]
    assert surely.verdict(0.02) == "none"
    for name in ("reduced", "matrix", "real", "gtsrb"):
        assert load_study(CONFIGS / name).settings.margin == 0.02
        assert "margin = 0.02" in (CONFIGS / name / "study.toml").read_text()


def test_a_margin_outside_0_to_1_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text('name = "n"\nseeds = [0]\nmargin = 0\n')
    with pytest.raises(StudyError, match="margin lies between 0 and 1, not 0"):
        load_study(tmp_path)
