"""A person's story on a screen or in a file: who it is, what happens, where two policies part."""

from typing import Any

from rich.console import Console
from rich.text import Text

from sim.telling import picking

Data = dict[str, Any]

COLUMN = 24
"""Wide enough for a moment such as Wed 30 Nov 2022, 14:05."""


def show(found: Data, console: Console, *, moments: dict[int, str]) -> None:
    """Print a story from its data; `moments`: seconds as people write them."""
    person, scenario = found["person"], found["scenario"]
    console.print(f"Applicant {person['applicant']} of replication {found['replication']}: {_who(found)}")
    console.print(
        f"Scenario {scenario['name']}, seed {found['seed']}; times are those of {scenario['time_zone']}.",
        highlight=False,
    )
    for each in found["policies"]:
        console.print()
        console.print(Text(f"Under {each['policy']}", style="bold"))
        for event in each["events"]:
            console.print(f"  {moments[event['epoch_s']]:<{COLUMN}}  {event['words']}", highlight=False)
        console.print(f"  {each['ending']}", highlight=False)
    if found["parting"]:
        console.print()
        for sentence in found["parting"]:
            console.print(sentence, highlight=False)
    for change in found["changed_since"]:
        console.print(f"Perhaps not the story of that run: {change}.", style="yellow", highlight=False)


def _who(found: Data) -> str:
    """The person in a few words, and why this one."""
    person = found["person"]
    parts = [f"stream {person['stream']}", f"lives {LIVES[person['residence']]}"]
    if person["score"]:
        parts.append(f"score {person['score']}")
    parts.append(f"a family of {person['family_size']}" if person["family_size"] > 1 else "no family")
    parts += [f"{name.removeprefix('attribute_')} {person[name]}" for name in person if name[:4] == "attr"]
    picked = f" The one who {picking.WHO[found['who']][0]}." if found["who"] else ""
    return ", ".join(parts) + "." + picked


LIVES = {"abroad": "abroad", "other_province": "in another province", "quebec": "in Quebec"}
