"""A shock: what may happen to a programme whatever the policy, as changed values of the scenario."""

from typing import Annotated, Any

from pydantic import Field

from sim.policy import Record


class Shock(Record):
    """What may happen: `quotalab compare --shocks` tries every policy under it, on the same people."""

    summary: str = ""
    """What happens, in one line."""
    settings: Annotated[dict[str, Any], Field(min_length=1)]
    """Values that are replaced, by their dotted keys, as with --set: "demand.multiple" = 2."""
