"""Outcomes made by hand: nothing happened to anyone unless a column says otherwise."""

from dataclasses import fields
from typing import Any

import numpy as np

from sim.clock import NEVER
from sim.outcome import POOL, IntakeAccount, Outcome

COUNTS = ("attempts", "full_count", "intake", "spent")


def make_outcome(n: int, *intakes: IntakeAccount, **columns: Any) -> Outcome:
    """What became of n people; a column is one value or one each, and `None` in it means never."""
    names = [field.name for field in fields(Outcome) if field.name not in ("filings_s", "intakes")]
    unknown = set(columns) - set(names)
    assert not unknown, f"make_outcome: no columns {sorted(unknown)}"
    made = {}
    for name in names:
        default = POOL if name == "status" else 0 if name in COUNTS else NEVER
        given = columns.get(name, default)
        values = [NEVER if value is None else value for value in given] if np.ndim(given) else given
        made[name] = np.array(np.broadcast_to(np.asarray(values), n), dtype=np.int64)
    again = np.where(made["attempts"] > 1, made["filed_s"], NEVER)
    filings = np.concatenate([made["first_filed_s"], again])
    return Outcome(**made, filings_s=np.sort(filings[filings < NEVER]), intakes=intakes)
