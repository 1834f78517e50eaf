"""What every number is called and says, for summary, frame, JSON, page and command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """One word of the library.

    Attributes
    ----------
    label : str
        What it is called where people read it.
    about : str
        What the number is a property of: "the populations" (an estimate of what infinitely many
        points would show), "these samples", "these points" (those that were evaluated on), "the
        fit".
    meaning : str
        One line.
    """

    label: str
    about: str
    meaning: str


_POPULATIONS, _SAMPLES, _POINTS, _FIT = (
    "the populations",
    "these samples",
    "these points",
    "the fit",
)

GLOSSARY: dict[str, Term] = {
    "cost": Term(
        "transport cost",
        _POPULATIONS,
        "Estimate of the smallest mean of |x - T(x)|^2 / 2 over all maps T from the first "
        "population to the second, in squared units of the features; KernelOT.cost_. Its interval, "
        "cost_interval_, is that of the points' noise and reaches down to the held-out semi-dual "
        "value. It held the true cost in about 95 % of the cases measured, up to 20 features.",
    ),
    "wasserstein": Term(
        "Wasserstein distance",
        _POPULATIONS,
        "Square root of twice the transport cost, in units of the features; KernelOT.wasserstein_.",
    ),
    "sample_cost_lower_bound": Term(
        "lower bound of the samples' own cost",
        _SAMPLES,
        "No matching of exactly these points costs less: proven where all pairs were looked at, "
        "with a probability of 95 % where a sample of them was. With many features it lies far "
        "above the transport cost, since two samples are apart even where their populations are "
        "equal; KernelOT.certificate_.lower_bound.",
    ),
    "semi_dual": Term(
        "semi-dual value",
        _POPULATIONS,
        "mean u(x) + mean u^c(y). On fresh points it is on average at most the transport cost, and "
        "the closer to it the better the map; on the training samples it is too large.",
    ),
    "violation": Term(
        "largest violation",
        _POINTS,
        "Largest u(x) + v(y) - |x - y|^2 / 2 over the pairs of points, in units of their mean "
        "cost, in the coordinates of the fit and for the kernel's potentials alone; at most "
        "violation_tol on the training samples of a complete fit.",
    ),
    "energy_distance": Term(
        "energy distance of T(x) to y",
        _POINTS,
        "How far the images are from y as distributions, in units of the features; 0 only where "
        "they are equal, so never quite 0 for two samples.",
    ),
    "energy_distance_before": Term(
        "energy distance of x to y", _POINTS, "The same before the map: what there was to gain."
    ),
    "mmd": Term(
        "MMD^2 of T(x) to y",
        _POINTS,
        "Squared maximum mean discrepancy (Gaussian kernel, median distance) of the images to y; "
        "another distance between distributions, at most 2.",
    ),
    "mmd_p_value": Term(
        "p-value of that",
        _POINTS,
        "How often two samples of one population differ by as much; a small value says that T(x) "
        "is not distributed as y. Only fresh points make it a test.",
    ),
    "monotone_fraction": Term(
        "monotone pairs",
        _POINTS,
        "Share of pairs x, x' with <T(x) - T(x'), x - x'> >= 0; 1 for an optimal map.",
    ),
    "cycle_error": Term(
        "return error",
        _POINTS,
        "Mean |S(T(x)) - x|^2 over the variance of x: 0 where the backward map S undoes T.",
    ),
    "n_fill": Term(
        "filling points", _FIT, "Pairs at which the constraint u(x) + v(y) <= c(x, y) is held."
    ),
    "effective_fill": Term(
        "effective filling points",
        _FIT,
        "(sum |gamma|)^2 / sum gamma^2: as many of equal weight would carry as much.",
    ),
    "energy_gain": Term(
        "gain in energy distance",
        _POPULATIONS,
        "By how much nearer to y the map's images are than those of the map without its kernel "
        "part, on points that neither was fitted to. The verdict gives it +- one standard error.",
    ),
    "identity_gain": Term(
        "gain over doing nothing",
        _POPULATIONS,
        "By how much nearer to y, in energy distance, the images of held-out points are than the "
        "points themselves.",
    ),
    "semi_dual_gain": Term(
        "gain in semi-dual value",
        _POPULATIONS,
        "Held-out semi-dual value of the map minus that of the map without its kernel part: how "
        "much closer to optimal it is.",
    ),
}

WORDS: dict[str, str] = {
    "x, y": "The two samples, one point a row; the map goes from x to y.",
    "T(x), S(y)": "Where the map takes a point of x, and where its inverse takes a point of y.",
    "u, v": "The potentials, functions of x and of y with u(x) + v(y) <= |x - y|^2 / 2; "
    "T(x) = x - grad u(x).",
    "linear (Gaussian) map": "The optimal map between two normal distributions with the means and "
    "covariances of x and y.",
    "kernel part": "What the fit adds to that map: the kernel's potentials, the smaller the larger "
    "reg_potential is, and entropic ones or splines where they carry weight.",
    "coordinates of the fit": "Those in which the linear map is the identity. solution_, and its "
    "cost and objective, are in them; cost_ and all numbers here are in the features' own.",
    "points kept out": "Each third of the points is judged by a map that was fitted to the other "
    "two with the chosen settings; of more than 600 points one third is, and from 1500 on in "
    "several features, where weights are found on most of that third, a quarter of it.",
    "clear": "A gain of at least 2.5 standard errors, a loss of at least 3.5. Verdicts claim none "
    "that is smaller.",
    "standard error": "How far an estimate would typically be off for another draw of the points.",
    "95 %": "An interval that holds the true value for 95 of 100 draws of the points, as far as "
    "their noise alone is concerned.",
    "standard deviation": "Of a feature, over x and y, each about its own mean.",
    "share of cost": "How much of the mean of |T(x) - x|^2 / 2 lies in a feature.",
}
"""What the words in the other explanations mean."""
