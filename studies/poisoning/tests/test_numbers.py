from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from poisoning_study import StudyError
from poisoning_study.families import at_level, holm
from poisoning_study.protocol import load_study
from poisoning_study.report._moderation import FEWEST, moderated_variances
from poisoning_study.report._numbers import Mean, in_family, mean_of, means_of

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


def test_variances_of_few_comparisons_stay_their_own() -> None:
    variances = [0.1 * (1 + k) for k in range(FEWEST - 1)]
    moderated, degrees = moderated_variances(variances, 2)
    assert moderated.tolist() == variances
    assert degrees == 2
    groups = [[0.0, 0.1, 0.5], [0.2, 0.2, 0.3]]
    assert means_of(groups) == [mean_of(group) for group in groups]


def test_moderation_finds_the_law_that_variances_were_drawn_from() -> None:
    rng = np.random.default_rng(0)
    true = 8 * 0.03**2 / rng.chisquare(8, 4000)
    moderated, degrees = moderated_variances(list(true * rng.chisquare(2, 4000) / 2), 2)
    assert degrees == pytest.approx(8 + 2, rel=0.15)
    # Nearer to the truth than the samples' own, which have three observations each.
    own = np.log(true * rng.chisquare(2, 4000) / 2)
    assert np.std(np.log(moderated) - np.log(true)) < 0.5 * np.std(own - np.log(true))


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_a_moderated_family_has_few_false_findings(spread: float) -> None:
    rng = np.random.default_rng(1)
    false, covered = [], []
    for _ in range(300):
        scales = np.exp(spread * rng.standard_normal(60))[np.arange(180) % 60]
        values = scales[:, None] * rng.standard_normal((180, 3))
        moderated, degrees = moderated_variances(values.var(axis=1, ddof=1).tolist(), 2)
        p_values = 2 * stats.t.sf(abs(values.mean(axis=1)) / np.sqrt(moderated / 3), degrees)
        false.append(p_values.min() <= 0.05 / 180)
        covered.append(np.mean(p_values > 0.05))
    assert np.mean(false) <= 0.08
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_three_seeds_can_establish_a_change_among_very_many() -> None:
    rng = np.random.default_rng(2)
    groups = 0.03 * rng.standard_normal((180, 3))
    groups[0] = -0.40, -0.34, -0.37
    alone = in_family([mean_of(group) for group in groups.tolist()], 0.02)
    together = in_family(means_of(groups.tolist()), 0.02)
    assert alone[0].verdict(0.02) == "open"
    assert together[0].verdict(0.02) == "falls"
    # Groups of another size have degrees of their own; single seeds have no interval.
    mixed = means_of([*groups.tolist(), [0.1, 0.2], [0.3]])
    assert mixed[:180] == means_of(groups.tolist())
    assert mixed[180] == mean_of([0.1, 0.2])
    assert mixed[181].half_width is None
