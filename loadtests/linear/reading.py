"""From a history to its operations."""

import numpy as np

from loadtests.history import NEVER, History
from loadtests.linear.listings import others_of, strangers
from loadtests.linear.operations import GRANT, HOLDS, NOTHING, RELEASE, Clash, Operations, Whole
from loadtests.linear.requests import requests
from loadtests.linear.rows import Table, joined, rows_of


def operations(history: History) -> tuple[Operations, Clash | None]:
    """The operations of a history, and the first contradiction within one request or one slot, if any."""
    rows, names = rows_of(history)
    parts: list[Table] = []
    echoes: list[tuple[Whole, Whole]] = []
    clash = None
    made = 0
    for claims in (True, False):
        made_of, echo, found = requests(history, rows, claims=claims, made=made)
        clash = clash or found
        parts += made_of
        echoes.append(echo)
        made += sum(len(part["row"]) for part in made_of)
    parts.append(others_of(history, rows))
    if history.header.shared:
        parts.append(strangers(history, rows, names, parts[-1]))
    table = joined(parts)
    is_known = (table["person"] >= 0) & (table["intake"] >= 0)
    table["person"] = np.where(is_known, table["person"] * len(names.intakes) + table["intake"], -1)
    _stream_of_releases(table)
    echo_row = np.concatenate([row for row, _ in echoes])
    everything = Operations(
        **table,
        echo_row=echo_row,
        echo_of=np.concatenate([of for _, of in echoes]),
        echo_begins=rows.begins[echo_row],
        echo_ends=rows.ends[echo_row],
        names=names,
    )
    return everything, clash or _listed_slot(everything)


def _stream_of_releases(table: Table) -> None:
    """A release that names no stream gives back a slot of the stream that its person claimed."""
    silent = np.flatnonzero((table["kind"] == RELEASE) & (table["stream"] < 0) & (table["person"] >= 0))
    if not len(silent):
        return
    grants = np.flatnonzero((table["kind"] == GRANT) & np.isin(table["person"], table["person"][silent]))
    if not len(grants):
        return
    person, inverse = np.unique(table["person"][grants], return_inverse=True)
    least, most = np.full(len(person), NEVER), np.full(len(person), -NEVER)
    np.minimum.at(least, inverse, table["stream"][grants])
    np.maximum.at(most, inverse, table["stream"][grants])
    where = np.minimum(np.searchsorted(person, table["person"][silent]), len(person) - 1)
    known = person[where] == table["person"][silent]
    stream = np.where(least == most, most, -2)[where]
    table["stream"][silent[known]] = stream[known]


def _listed_slot(found: Operations) -> Clash | None:
    """A slot that an audit finds with one person, and that was granted to another."""
    # On a shared service other holders tell nothing of the run's people, but their slots are taken.
    is_hold = (found.kind == HOLDS) | ((found.kind == NOTHING) & (found.value >= 0) & (found.person >= 0))
    holds = np.flatnonzero(is_hold & (found.value >= 0) & (found.person >= 0))
    if not len(holds):
        return None
    pair = found.intake[holds] * (int(found.value.max()) + 1) + found.value[holds]
    order = np.argsort(pair, kind="stable")
    same = np.flatnonzero((np.diff(pair[order]) == 0) & (np.diff(found.person[holds][order]) != 0))
    if len(same):
        two = holds[order[same[0] : same[0] + 2]]
        says = "one slot is found with two people"
        return Clash("one-slot-two-holders", says, tuple(found.row[two].tolist()))
    owner = np.full((len(found.names.intakes), int(found.value.max()) + 1), -1, dtype=np.int64)
    grants = np.flatnonzero((found.kind == GRANT) & (found.value >= 0) & (found.person >= 0))
    owner[found.intake[grants], found.value[grants]] = grants
    mine = owner[found.intake[holds], found.value[holds]]
    wrong = np.flatnonzero((mine >= 0) & (found.person[mine] != found.person[holds]))
    if not len(wrong):
        return None
    both = (int(found.row[mine[wrong[0]]]), int(found.row[holds[wrong[0]]]))
    return Clash("one-slot-two-holders", "a slot that was granted to one is found with another", both)
