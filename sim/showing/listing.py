"""The list of runs on a screen or in a file: a line of facts for each, and its sentence below."""

from pathlib import Path

from rich.console import Console
from rich.padding import Padding

from sim.run_folders.listing import Listed

MOST_POLICIES = 3


def show(found: list[Listed], console: Console, *, folder: Path) -> None:
    """Print the list, the newest run first."""
    if not found:
        console.print(f"There are no runs in {folder}; make one: quotalab run SCENARIO", highlight=False)
    for each in found:
        console.print(each.name, style="bold", highlight=False, soft_wrap=True)
        console.print(Padding(_facts(each), (0, 0, 0, 2)), highlight=False)
        if each.headline:
            console.print(Padding(each.headline, (0, 0, 0, 2)), highlight=False)


def _facts(each: Listed) -> str:
    policies = ", ".join(each.policies[:MOST_POLICIES])
    if len(each.policies) > MOST_POLICIES:
        policies += f" and {len(each.policies) - MOST_POLICIES} more"
    parts = [each.what, each.scenario, *([policies] if policies else [])]
    if each.replications is not None:
        parts.append(f"{each.replications:,} replication{'' if each.replications == 1 else 's'}")
    parts.append(each.started.replace("T", " ").replace("Z", " UTC"))
    return "; ".join(parts) + ("" if each.complete else "; INCOMPLETE")
