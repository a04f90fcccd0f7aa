"""The sentences that lead a comparison: is the cap slack, what differs most, and what does not differ.

Made from the data of summary.json alone. What differs most is the contrast with the largest standardised
difference; "do not differ" is said only where two one-sided tests say so, and otherwise it is not settled.
"""

from typing import Any

from sim.showing import robust
from sim.showing.headline import Data, binding_sentence, count

SEASONS = ("winter", "spring", "summer", "autumn")


def sentences(found: Data) -> list[str]:
    """The paragraphs, the most important first."""
    said = [_slack(found), _found(found, found), *(_beside(found, side) for side in found["beside"])]
    said.append(robust.sentence(found) if found.get("shocks") else "")
    return [each for each in [*said, _brackets(found), _left_out(found)] if each]


def called(policy: str) -> str:
    """A policy's name as words: "monthly release"."""
    return policy.replace("-", " ")


def whom(measure: str) -> str:
    """Whom a measure with a suffix is about: "people certified in autumn"."""
    kind, _, group = measure.partition("/")[2].partition("=")
    if kind == "stream":
        return f"the stream {group}"
    if kind == "season":
        return f"people certified in {group}" if group in SEASONS else "the opening backlog"
    if kind == "decile":
        ends = {"1": "lowest", "10": "highest"}
        return f"the {ends[group]} tenth by score" if group in ends else f"tenth {group} of 10 by score"
    return "everyone in scope"


def _slack(found: Data) -> str:
    """That the cap is not what binds, before anything is said of rules for who comes first."""
    reached = found["cap_reached"]
    if not found["slack"] or reached is None:
        return ""
    times, n = reached["times"], reached["n"]
    often = f"in {times:,} of {n:,} replications only" if times else f"in none of {n:,} replications"
    base = called(found["baseline"])
    said = f"The cap is slack: under {base} it is reached {often}, so there is little to share out."
    return " ".join(filter(None, [said, binding_sentence(found)]))


def _found(found: Data, part: Data) -> str:
    """What differs most and what does not, at one demand."""
    if part["replications"] == 1:
        return "A single replication: the differences of one possible world, without intervals."
    if part["lead"] is None:
        return _nothing(found, part)
    chosen = _contrast(part, part["lead"]["policy"], part["lead"]["measure"])
    policy, base = called(chosen["policy"]), called(found["baseline"])
    name = chosen["measure"].partition("/")[0]
    second = "median_wait_days" if name in ("grants", "permits") else "permits"
    beside = _contrast(part, chosen["policy"], second)
    return f"{policy.capitalize()} instead of {base} {_told(chosen)}; {_settled(beside)}."


def _nothing(found: Data, part: Data) -> str:
    base, others = called(found["baseline"]), len(found["policies"]) - 1
    headlines = [each for each in part["contrasts"] if each["measure"] in found["headlines"]]
    whom = "The other policy does" if others == 1 else f"None of the {others} other policies does"
    if all(each["verdict"] == "same" for each in headlines):
        neither = "not differ" if others == 1 else "differ"
        return (
            f"{whom} {neither} from {base} in any headline measure by more than {_percent(found['margin'])}."
        )
    return (
        f"No difference from {base} in what people get is settled and larger than the margin of "
        f"{_percent(found['margin'])}."
    )


def _told(chosen: Data) -> str:
    """One contrast in words, its interval in brackets."""
    name, up = chosen["measure"].partition("/")[0], chosen["difference"] > 0
    more = "more" if up else "fewer"
    if name == "slot_probability":
        return f"gives {_amount(chosen, 100.0)} points {more} slots to {whom(chosen['measure'])}"
    if name == "permit_before_pr_probability":
        return f"gives {_amount(chosen, 100.0)} points {more} people a permit before permanent residence"
    if name == "median_wait_days":
        return f"makes the median wait {_amount(chosen)} days {'longer' if up else 'shorter'}"
    what = {"grants": "slots", "permits": "permits", "labour_months_gained": "months of work"}[name]
    return f"gives {_amount(chosen)} {more} {what}"


def _settled(chosen: Data) -> str:
    """Whether a second measure differs, in words."""
    what, verb = (
        ("the median wait", "does") if chosen["measure"] == "median_wait_days" else ("total permits", "do")
    )
    differs = "differs" if verb == "does" else "differ"
    unit = " days" if chosen["measure"] == "median_wait_days" else ""
    if chosen["verdict"] == "same":
        if chosen["low"] == chosen["high"] == 0:
            return f"{what} {verb} not differ at all"
        return f"{what} {verb} not differ (by less than {_figure(chosen['margin'])}{unit})"
    if chosen["verdict"] in ("better", "worse"):
        is_wait = chosen["measure"] == "median_wait_days"
        way = ("longer", "shorter") if is_wait else ("more", "fewer")
        are = "is" if is_wait else "are"
        return f"{what} {are} {_amount(chosen)}{unit} {way[0] if chosen['difference'] > 0 else way[1]}"
    if chosen["all_low"] is None:
        return f"whether {what} {differs} cannot be estimated"
    low, high = _figure(chosen["all_low"]), _figure(chosen["all_high"])
    return f"whether {what} {differs} is not settled ({low} to {high}{unit})"


def _beside(found: Data, side: Data) -> str:
    """The same at another demand."""
    said = _found(found, side)
    where = ", from which on the cap binds" if side["binds"] else ""
    return f"At {side['times']:.3g} times this demand{where}: {said[0].lower()}{said[1:]}"


def _brackets(found: Data) -> str:
    """What the numbers in brackets are."""
    n = found["replications"]
    if n == 1:
        return ""
    family = sum(each["p_holm"] is not None for each in found["contrasts"])
    said = (
        f"In brackets: 95 % intervals of mean differences between policies on the same people, {n:,} "
        f"replications, chance alone; they hold together for all {family:,} contrasts."
    )
    if found["beside"]:
        said += f" At other demands: {found['beside'][0]['replications']:,} replications."
    return said


def _left_out(found: Data) -> str:
    """Policies that could not be compared."""
    parts = [f"{name} ({reason})" for name, reason in found["left_out"].items()]
    return f"Left out, as they do not fit: {'; '.join(parts)}." if parts else ""


def _amount(chosen: Data, times: float = 1.0) -> str:
    """How much, without its sign: "3.1 (2.7 to 3.5)"."""
    value, ends = times * chosen["difference"], (times * chosen["all_low"], times * chosen["all_high"])
    low, high = ends if value > 0 else (-ends[1], -ends[0])
    texts = [_figure(each) for each in (abs(value), low, high)]
    if texts[1] == texts[2]:
        return texts[0]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def _figure(value: float) -> str:
    """A number with as many places as it deserves."""
    return count(value) if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 0.95 else f"{value:.2g}"


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def _contrast(part: Data, policy: str, measure: str) -> Any:
    return next(each for each in part["contrasts"] if (each["policy"], each["measure"]) == (policy, measure))
