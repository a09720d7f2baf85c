"""What the section on the E/I-assembly network says: sentences and tables, all from its tables of results."""

from __future__ import annotations

import pandas

from ..wording import fixed, listed, number
from .section import Listing, Tables

RUNAWAY = 10.0  # times the others' rate: the assembly has run away
ENRICHMENTS = (1.0, 2.0, 3.0, 3.6, 4.0, 4.4, 5.0, 6.0)  # simulated
SURE = 2.0  # standard errors
TITLES = {
    "O1": "scaled: regular, persistent", "O2": "tuned: rates as in random", "O3": "rates of assemblies",
    "O4": "co-tuning", "O5": "other observables", "O6": "choice of I members", "O7": "morphs",
    "O8": "partial stimulation", "O9": "net recurrent current", "O10": "plane of two components",
    "O11": "participation ratio", "O12": "variance along components", "O13": "angles", "O14": "simple networks",
    "O15": "control networks", "O16": "distances to manifolds", "O17": "classification", "O18": "concentration",
    "O19": "two more memories",
}  # fmt: skip
MEASURES = {
    "baseline": "E rate before odours", "learned": "E rate, learned odours", "novel": "E rate, novel odours",
    "inhibitory": "I rate, learned odours", "assembly_e": "E rate of assemblies", "assembly_i": "I rate of assemblies",
    "pair_correlation": "correlation between odours", "recurrent_share": "recurrent share of excitation (%)",
    "g_syn": "synaptic conductance", "g_oe": "afferent conductance", "cotuning_assembly": "co-tuning of members",
}  # fmt: skip


def verdict(table: pandas.DataFrame, published: pandas.DataFrame) -> str:
    """Which claims hold on own networks, and which of those that they tell about the published means miss."""
    known = table[table.holds.notna()]
    holds = known.holds.astype(bool)
    sure = [str(name) for name in known.index[holds & (known.strength > SURE)]]
    rest = [str(name) for name in known.index[holds & ~(known.strength > SURE)]]
    failed = [f"{name} ({TITLES[str(name)]})" for name in known.index[~holds]]
    told = f"Of {len(known)} ordinal claims of the paper {int(holds.sum())} hold on networks of our own"
    if sure:
        told += f", {listed(sure)} by more than two standard errors in every part"
    if rest:
        told += f", {listed(rest)} on average only, or measured on one network"
    told += f"; not so {listed(failed)}, for the parts that the table names." if failed else "."
    missing = [str(name) for name in table.index[table.holds.isna()]]
    told += f" Not measured: {listed(missing)}." if missing else ""
    missed = published[published["mean"] <= 0]
    parts = [f"{row['claim']} ({row['part']})" for row in missed.to_dict("records")]
    told += f" The published means decide {listed(list(dict.fromkeys(published.claim)))} alone, and "
    return told + (f"miss {listed(parts)} themselves." if parts else "miss no part.")


def nearness(against: pandas.DataFrame) -> str:
    """Where own networks differ from the published ones, and by how much."""
    far = against[(against.z.abs() > 3)].sort_values("z", key=abs, ascending=False)
    told = [f"{row['regime']}, {MEASURES[row['measure']]} ({_percent(row['difference'])})"
            for row in far.to_dict("records")]  # fmt: skip
    begin = (f"Of {len(against)} means of the four regimes {len(against) - len(far)} are within three standard errors "
             "of the published networks'")  # fmt: skip
    return f"{begin}; farther are {'; '.join(told)}." if told else f"{begin}."


def held(limits: pandas.DataFrame) -> str:
    """At how many memories each regime is off its rate, or has lost its geometry."""
    told = []
    for regime, group in limits.groupby("regime", sort=False):
        ordered = group.sort_values("memories")
        least, most = (int(number) for number in (ordered.memories.min(), ordered.memories.max()))
        words = []
        for kept, name in (("rate_kept", "rate"), ("geometry_kept", "geometry")):
            lost = [str(number) for number in ordered[~ordered[kept].astype(bool)].memories]
            words.append(f"is off its {name} at {listed(lost)}" if lost else f"keeps its {name} to {most}")
        ends = [f"{fixed(row.rate_oldest)} and {fixed(row.rate_newest)} at {row.memories}"
                for row in (ordered.iloc[0], ordered.iloc[-1])]  # fmt: skip
        told.append(f"{regime} {listed(words)} (rates of the oldest and newest memories, relative to random networks: "
                    f"{', '.join(ends)})")  # fmt: skip
    return (f"As memories are added, from {least} to {most}, {'; '.join(told)}. Off its rate: more than 15 % from "
            "random networks' for the oldest or the newest; geometry: see the table.")  # fmt: skip


def remembered(table: pandas.DataFrame) -> str:
    last = table[table.delay == table.delay.max()]
    mean = last.groupby("condition", sort=False)[["strength", "assembly_rate", "assembly_rate_others"]].mean()
    words = [f"a {name} one {fixed(row.assembly_rate)} Hz (trace {fixed(row.strength)})"
             for name, row in mean.iterrows()]  # fmt: skip
    return (f"A day later, among 15 others whose assemblies answer their odours with "
            f"{fixed(float(mean.assembly_rate_others.mean()))} Hz, {listed(words)}.").replace(
                "a emotional", "an emotional")  # fmt: skip


def foreseen(tables: Tables) -> str:
    currents, theory = tables["currents"], tables["theory"]
    least = currents[currents.current > 0].current.min()
    fall = 0
    for _, group in currents.groupby("family"):
        by = group.set_index("current")
        fall += int(by.i_odour[least] < by.i_odour[0.0] and by.i_quiet[least] >= by.i_quiet[0.0])
    stable = int(theory[theory.state == "odour"].stabilised.astype(bool).sum())
    found = gains(tables["runaway"])
    words = [f"{row['family']} {number(row['theory'])} and {number(row['simulated'])}"
             for row in found.to_dict("records")]  # fmt: skip
    return (f"Mean field calls the responses of {stable} of {theory.family.nunique()} families inhibition-stabilised; "
            f"in {fall} simulated ones a current of {number(least)} pA into I neurons makes them fire less "
            "during odours and not before. Assemblies without more inhibition run away at an enrichment (theory and "
            f"simulation) of {listed(words)}; the rate of all E neurons is up by 15 % from "
            f"{number(float(found.population.min()))} on.")  # fmt: skip


def gains(runaway: pandas.DataFrame) -> pandas.DataFrame:
    """Smallest enrichment at which assemblies fire ten times as fast as all E neurons do without, by both accounts.

    ``population``: at which the simulated rate of all E neurons has risen by more than 15 %.
    """
    rows = []
    for family, group in runaway.groupby("family"):
        ordered = group.sort_values("enrichment")
        lost = ordered[ordered.theory.isna() | (ordered.theory > RUNAWAY * ordered.background)].enrichment
        known = ordered[ordered.enrichment.isin(ENRICHMENTS)]
        usual = float(known.population.iloc[0])
        gone = known[known.simulated.isna() | (known.simulated > RUNAWAY * usual)].enrichment
        risen = known[known.population.isna() | (known.population > 1.15 * usual)].enrichment
        rows.append({"family": family, "theory": lost.min(), "simulated": gone.min(), "population": risen.min()})
    return pandas.DataFrame(rows)


def _percent(value: float) -> str:
    return f"{value:+.0f} %".replace("-", "−")


def _yes(holds: object) -> str:
    return "not measured" if holds is None or holds != holds else "yes" if holds else "no"


def claims_listing(table: pandas.DataFrame) -> Listing:
    rows = [
        {"claim": name, "statement": row["statement"], "holds": _yes(row["holds"]),
         "strength": number(row["strength"]), "weakest part": row["weakest"], "parts that fail": row["failing"] or "–",
         "networks": number(row["seeds"])}
        for name, row in zip(table.index, table.to_dict("records"), strict=True)
    ]  # fmt: skip
    return Listing("Claims", pandas.DataFrame(rows), ("strength", "networks"),
                   "Strength: mean of the weakest part over its standard error; a dash for one network.")  # fmt: skip


def published_listing(against: pandas.DataFrame) -> Listing:
    rows = [
        {"regime": row["regime"], "measure": MEASURES[row["measure"]],
         "own": f"{number(row['own'])} ± {number(row['own_sd'])}",
         "published": f"{number(row['published'])} ± {number(row['published_sd'])}",
         "difference": _percent(row["difference"]), "z": fixed(row["z"])} for row in against.to_dict("records")
    ]  # fmt: skip
    return Listing("Own networks and the published ones", pandas.DataFrame(rows),
                   ("own", "published", "difference", "z"),
                   "Means ± SDs over networks; rates in Hz, conductances in nS.")  # fmt: skip


def capacity_listing(limits: pandas.DataFrame) -> Listing:
    names = (
        "rate_oldest",
        "rate_newest",
        "rate_novel",
        "baseline",
        "rise_oldest",
        "rise_newest",
        "rise_back",
        "angle",
        "cotuning",
    )
    rows = [
        {"regime": row["regime"], "memories": str(row["memories"]),
         **{name.replace("_", " "): fixed(row[name]) for name in names}, "rate kept": _yes(row["rate_kept"]),
         "geometry kept": _yes(row["geometry_kept"])}
        for row in limits.to_dict("records")
    ]  # fmt: skip
    return Listing("Memories that are added", pandas.DataFrame(rows), tuple(name.replace("_", " ") for name in names),
                   f"Means over {int(limits.seeds.max())} networks, as ratios to the random network; baseline in Hz; "
                   "rise: Mahalanobis distance of the oldest and the newest memory to a novel odour, and back; "
                   "co-tuning of the oldest members: difference. Geometry is kept while the oldest memory's distance "
                   "is up by more than 10 %, and by more than the distance back.")  # fmt: skip


def consolidation_listing(table: pandas.DataFrame) -> Listing:
    mean = table.groupby(["condition", "delay"], sort=False).mean(numeric_only=True).reset_index()
    names = ("strength", "strength_others", "assembly_rate", "assembly_rate_others", "rate", "cotuning",
             "trial_correlation")  # fmt: skip
    rows = [{"memory": row["condition"], "hours": number(row["delay"] / 3600),
             **{name.replace("_", " "): fixed(row[name]) for name in names}}
            for row in mean.to_dict("records")]  # fmt: skip
    return Listing("A memory among 15 others", pandas.DataFrame(rows), tuple(name.replace("_", " ") for name in names),
                   f"Means over {table.seed.nunique()} networks; rates in Hz, of others: nine of them.")  # fmt: skip


def theory_listing(tables: Tables) -> Listing:
    measures = tables["measures"]
    found = gains(tables["runaway"]).set_index("family")
    rows = []
    for row in tables["theory"].to_dict("records"):
        own = measures[(measures.regime == "random") & (measures.family == row["family"])]
        simulated = own[["novel", "inhibitory"]].mean() if row["state"] == "odour" else own[["baseline"]].mean()
        rows.append({
            "family": row["family"], "state": row["state"], "E": number(row["rate_e"]),
            "E simulated": number(float(simulated.iloc[0])), "I": number(row["rate_i"]),
            "I simulated": number(float(simulated.iloc[1])) if len(simulated) > 1 else "–",
            "loop E→E": fixed(row["loop"]),
            "I per drive": fixed(row["gain_i"]), "stabilised": "yes" if row["stabilised"] else "no",
            "runs away at": f"{number(found.theory[row['family']])}, {number(found.simulated[row['family']])}"
            if row["state"] == "odour" else "–",
        })  # fmt: skip
    return Listing("Mean field", pandas.DataFrame(rows),
                   ("E", "E simulated", "I", "I simulated", "loop E→E", "I per drive", "runs away at"),
                   "Rates in Hz. Runs away: enrichment in theory, in simulation.")  # fmt: skip
