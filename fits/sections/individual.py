"""Individual differences: a path model of real people, and prediction from simulated connectomes."""

from __future__ import annotations

from collections.abc import Callable

import pandas

from ..individual.account import Account, simulate_people
from ..individual.figures import chains_figure, power_figure, prediction_figure
from ..individual.networks import edge_networks
from ..individual.paths import fit_paths, path_calibration
from ..individual.power import power_curve
from ..individual.prediction import predict_behaviour
from ..individual.regions import regional_analysis
from ..individual.zhu import CORRELATIONS, EQUATIONS, PUBLISHED, read_zhu
from ..wording import capitalised, listed, number, share
from .section import PEOPLE, Drawing, Listing, Piece, Section, Shown, Tables, Work

SCANNED = 1498
_NUMBERS = (100, 200, 400, 800, SCANNED)


def _pieces(work: Work) -> list[Piece]:
    read_zhu()  # says so if it is not there, before anything is simulated
    sizes = work.sizes
    cohorts = 3 * len(_NUMBERS) * sizes.individual_cohorts
    return [
        Piece("path model of Zhu 2022", 10.0, 1, _paths),
        Piece(f"connectomes of {SCANNED} people", 0.3 * sizes.individual_permutations, 10, _connectomes),
        Piece("power of connectome-based prediction", 2.0 * cohorts, cohorts, _power),
    ]


def _paths(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    people = read_zhu()
    fit = fit_paths(people, EQUATIONS, seed=work.seed)
    summary = dict(
        people=fit.n, chi_squared=fit.chi_squared, df=fit.df, p=fit.p, srmr=fit.srmr, resamples=fit.resamples
    )
    r = people.corr(numeric_only=True).memory
    correlated = [dict(region=name, r=float(r[name]), published=own) for name, own in CORRELATIONS.items()]
    held = path_calibration(fit, seed=work.seed)
    progress(0)
    return {"paths": fit.paths, "chains": fit.indirect, "path_fit": pandas.DataFrame([summary]),
            "path_calibration": held, "correlated": pandas.DataFrame(correlated)}  # fmt: skip


def _connectomes(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    account = Account()
    cohort = simulate_people(account, SCANNED, seed=work.seed)
    permutations = work.sizes.individual_permutations
    found = predict_behaviour(
        cohort.edges, cohort.behaviour, permutations=permutations, seed=work.seed, progress=progress
    )
    regions = regional_analysis(cohort.responses, cohort.behaviour, permutations=permutations, seed=work.seed)
    return {
        "scores": found.scores.assign(permutations=permutations),
        "predictions": found.predictions[["observed", "both"]],
        "null": found.null,
        "networks": _recovered(edge_networks(found.edges), account),
        "regions": regions.nsmallest(5, "p_family").assign(tested=len(regions)),
        "amygdala": regions.head(1),
    }


def _recovered(edges: pandas.DataFrame, account: Account) -> pandas.DataFrame:
    """Networks that were found, each with the simulated network that most of its edges belong to."""
    true = account.network_edges()
    home = {int(region): k for k in range(len(account.signs)) for region in account.members(k)}
    rows = []
    for network, group in edges.groupby("network"):
        inside = [home[a] for a, b in zip(group["first"], group["second"], strict=True)
                  if a in home and home.get(b) == home[a]]  # fmt: skip
        most = max(set(inside), key=inside.count) if inside else -1
        right = int((true[group.edge.to_numpy()] == group.sign).sum())
        rows.append(dict(network=network, sign=int(group.sign.iloc[0]), edges=len(group), right=right, simulated=most))
    return pandas.DataFrame(rows, columns=["network", "sign", "edges", "right", "simulated"])


def _power(work: Work, progress: Callable[[int], None]) -> dict[str, pandas.DataFrame]:
    curve = power_curve(
        Account(), _NUMBERS, cohorts=work.sizes.individual_cohorts, seed=work.seed, workers=work.workers,
        progress=progress,
    )  # fmt: skip
    return {"power": curve.assign(cohorts=work.sizes.individual_cohorts)}


def _show(tables: Tables) -> Shown:
    scores, chains, held = tables["scores"], tables["chains"], tables["path_calibration"].set_index("chain")
    both = float(scores.set_index("network").r["both"])
    chain_rows = []
    for row in chains.to_dict("records"):
        published = PUBLISHED.get(row["chain"])
        own = held.loc[row["chain"]]
        chain_rows.append({
            "chain": row["chain"], "standardised": number(row["standardised"], 2),
            "published": "" if published is None else f"{published[0]:g} (p = {published[1]:g})",
            "effect (95 %)": f"{number(row['effect'], 2)} ({number(row['lower'], 2)} to {number(row['upper'], 2)})",
            "p": number(row["p"], 2), "intervals hold": share(own.coverage), "exclude zero": share(own.power),
        })  # fmt: skip
    score_rows = [
        {"network": r["network"], "r": number(r["r"], 2), "variance explained": share(r["explained"]),
         "p": number(r["p"], 2), "r by chance, 95 %": number(r["null_upper"], 2)} for r in scores.to_dict("records")
    ]  # fmt: skip
    network_rows = [
        {"network": str(r["network"]), "sign": "+" if r["sign"] > 0 else "−", "edges": str(r["edges"]),
         "of the simulated sign": str(r["right"]),
         "mostly of simulated network": str(r["simulated"] + 1) if r["simulated"] >= 0 else "none"}
        for r in tables["networks"].to_dict("records")
    ]  # fmt: skip
    correlated = listed([f"{r['region']} {number(r['r'], 2)} (paper: {number(r['published'], 2)})"
                         for r in tables["correlated"].to_dict("records")])  # fmt: skip
    return Shown(
        says=sentence(tables),
        explains="Connectomes, gains, regional responses and answers are simulated: gain depends on six networks, four "
        "with positive and two with negative sign as fMRI of 1 498 people showed, of sizes that are assumed; regional "
        "responses are independent of gain in this account, so that what regional analyses find is false. The path "
        "model is of 28 real people (Zhu 2022). Intervals of chains come from a bias-corrected bootstrap; “intervals "
        "hold” and “exclude zero” are shares of 500 simulated studies of as many people.",
        drawings=(
            Drawing("individual-prediction", prediction_figure(tables["predictions"], tables["null"], both),
                    f"Simulated: enhancement of {SCANNED} people by emotion, each predicted from their connectome by a "
                    "model that never saw them.", True),
            Drawing("individual-power", power_figure(tables["power"]),
                    "Simulated: how often both analyses find something with so many people, by what the gain comes "
                    "from (exact 95 % intervals). What is found where it is not is false.", True),
            Drawing("individual-paths", chains_figure(chains),
                    "Zhu 2022: effect of amygdala-hippocampal connectivity on memory along each chain, with intervals "
                    "of a bias-corrected bootstrap.", True),
        ),
        listings=(
            Listing("Chains of causes, Zhu 2022", pandas.DataFrame(chain_rows),
                    ("standardised", "p", "intervals hold", "exclude zero"),
                    f"Correlations with memory: {correlated}. What the file's columns are is inferred from the paper."),
            Listing("Prediction from simulated connectomes", pandas.DataFrame(score_rows),
                    ("r", "variance explained", "p", "r by chance, 95 %")),
            Listing("Networks of edges that are significant as a family", pandas.DataFrame(network_rows), ("edges",)),
        ),
        change="Connectomes of real people with their trials: the account then says how much of the gain's variance "
        "the networks explain. A path model of so few people at one time shows covariances that causes would leave, "
        "not causes.",
    )  # fmt: skip


def sentence(tables: Tables) -> str:
    """What is predicted and what stays null; whether the published mediation is found again."""
    scores = tables["scores"].set_index("network")
    networks, region = tables["networks"], tables["regions"].iloc[0]
    positive, negative = (len(set(networks[networks.sign == sign].simulated) - {-1}) for sign in (1, -1))
    said = (f"In {SCANNED} simulated people connectomes predict enhancement with r = {number(scores.r['both'], 2)} "
            f"(p = {number(scores.p['both'], 2)}) and show {positive} of the 4 positive and {negative} of the 2 "
            f"negative networks, while the best of {region.tested:.0f} regional responses has a family-wise p of "
            f"{number(region.p_family, 2)}")  # fmt: skip
    power = tables["power"]
    found = power[(power.truth == "networks") & (power.analysis == "connectome") & (power.found >= 0.8)]
    least = f"from {found.people.min()} people on" if len(found) else "with none of the numbers of people tried"
    false = power[power.kind == "false positives"]
    excess = false[false.lower > 0.05]
    said += f". Power is at least 80 % {least}; "
    said += (f"false positives exceed 5 % in {len(excess)} of {len(false)} cells" if len(excess)
             else f"false positives are within error of 5 % in all {len(false)} cells")  # fmt: skip
    chains = tables["chains"].set_index("chain")
    again = [f"{name} {number(chains.standardised[name], 2)} (published {own[0]:g})" for name, own in PUBLISHED.items()]
    clear = all(chains.lower[name] > 0 for name in PUBLISHED)
    ends = f"{'both' if clear else 'not both'} with intervals above zero"
    return f"{said}. {capitalised(listed(again))} in the 28 people of Zhu 2022, {ends}."


SECTION = Section("individual", "Individual differences", _pieces, _show, PEOPLE)
