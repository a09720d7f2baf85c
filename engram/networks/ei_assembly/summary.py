"""The published networks in numbers, and how far networks of our own are from them.

The published odours are one set for all networks and overlap more than by chance: the first ten share 21 of their 150
raised cells on average, where chance, and `odours.draw_odours`, give 15. That is why correlations between patterns are
lower here; a network of our own on the published odours has those of the published one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas

# mean and SD over the authors' 20 networks (five of each family), measured by running the published model on the
# connectivity and the odours that Meissner-Bernard, Zenke & Friedrich (2025, doi:10.7554/eLife.96303) deposited
PUBLISHED: dict[str, dict[str, tuple[float, float]]] = {
    "random": {
        "baseline": (0.045698, 0.0091084), "learned": (0.9848, 0.035329), "novel": (0.97815, 0.038539),
        "inhibitory": (4.4471, 0.55173), "assembly_e": (3.1073, 0.28898), "assembly_i": (5.5239, 0.66291),
        "pair_correlation": (0.044829, 0.026784), "recurrent_share": (83.749, 0.98353), "g_syn": (1.9771, 0.14383),
        "g_oe": (0.14796, 0.0072399), "cotuning_assembly": (0.10274, 0.036455),
    },
    "scaled I": {
        "baseline": (0.61301, 0.28493), "learned": (1.0132, 0.10555), "novel": (0.44488, 0.05275),
        "inhibitory": (4.812, 1.1282), "assembly_e": (22.519, 2.771), "assembly_i": (15.182, 3.3362),
        "pair_correlation": (0.049306, 0.028601), "g_syn": (1.3612, 0.3138), "g_oe": (0.14796, 0.0072399),
        "cotuning_assembly": (0.17744, 0.093043),
    },
    "tuned I": {
        "baseline": (0.064799, 0.015619), "learned": (1.1244, 0.039822), "novel": (1.0449, 0.036276),
        "inhibitory": (5.1187, 0.70427), "assembly_e": (6.0646, 1.0086), "assembly_i": (7.6976, 1.2635),
        "pair_correlation": (0.075579, 0.025039), "recurrent_share": (85.696, 1.0809), "g_syn": (2.2814, 0.18308),
        "g_oe": (0.14796, 0.0072399), "cotuning_assembly": (0.53958, 0.060415),
    },
    "tuned E+I": {
        "baseline": (0.049687, 0.011644), "learned": (1.0723, 0.080173), "novel": (0.97256, 0.041975),
        "inhibitory": (5.038, 0.88381), "assembly_e": (8.894, 2.6945), "assembly_i": (19.258, 5.9701),
        "pair_correlation": (0.037321, 0.018612), "recurrent_share": (85.103, 1.5708), "g_syn": (2.2114, 0.20659),
        "g_oe": (0.14796, 0.0072399), "cotuning_assembly": (0.49172, 0.05965),
    },
}  # fmt: skip
PUBLISHED_NETWORKS = 20


def published_measures() -> pandas.DataFrame:
    """The published means as one seed of `claims.claim_parts`: those claims that they alone decide (O2 and O5)."""
    import pandas

    rows = [{name: mean for name, (mean, _) in means.items()} for means in PUBLISHED.values()]
    return pandas.DataFrame(rows).assign(seed=0, regime=list(PUBLISHED))


def compare_with_published(measures: pandas.DataFrame) -> pandas.DataFrame:
    """Own networks beside the published ones.

    Parameters
    ----------
    measures : pandas.DataFrame
        From `published_experiment`; every family should have as many seeds.

    Returns
    -------
    pandas.DataFrame
        One row for each regime and measure: mean and SD of both, networks, ``difference`` (%), and ``z``, the
        difference over its standard error (networks of one family are not independent draws of a family; the published
        odours are one set for all networks, ours are drawn for each).
    """
    import pandas

    rows = []
    for regime, published in PUBLISHED.items():
        own = measures[measures.regime == regime]
        for measure, (mean, sd) in published.items():
            values = own[measure].dropna().to_numpy(float)
            if not len(values):
                continue
            spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
            own_sd = spread if len(values) > 1 else sd  # of one network nothing better is known
            error = np.sqrt(own_sd**2 / len(values) + sd**2 / PUBLISHED_NETWORKS)
            rows.append(
                {
                    "regime": regime, "measure": measure, "own": float(values.mean()), "own_sd": spread,
                    "networks": len(values), "published": mean, "published_sd": sd,
                    "difference": 100 * (float(values.mean()) / mean - 1), "z": (float(values.mean()) - mean) / error,
                }
            )  # fmt: skip
    return pandas.DataFrame(rows)
