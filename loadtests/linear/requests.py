"""From attempts to requests: what each key did, once at most, and what it was told besides.

The window of a request is exact: the first attempt that may have done it covers the whole of it. Where
refusals are kept (spec.refusals = "sticky"), a refused key is one refusal, and its later attempts repeat it.
"""

from typing import Final, NamedTuple

import numpy as np

from loadtests.history import NEVER, REASON, History
from loadtests.linear.operations import (
    CLOSED,
    DUPLICATE,
    FULL,
    GRANT,
    NO_REFUSAL,
    NOTHING,
    REFUSED,
    RELEASE,
    UNHELD,
    Clash,
    Flags,
    Whole,
    among,
)
from loadtests.linear.rows import Codes, Rows, Table
from loadtests.protocol import ANSWER, OP, RESULT
from sim.ledger import REASONS


class _Asked(NamedTuple):
    """The rows of claims, or of releases, in the order of their beginning, and what each says."""

    row: Whole
    request: Whole
    """The place of the first row under the same key."""
    done: Flags
    maybe: Flags
    refused: Flags


def requests(
    history: History, rows: Rows, *, claims: bool, made: int
) -> tuple[tuple[Table, Table], tuple[Whole, Whole], Clash | None]:
    """The operations of all claims, or of all releases, in two parts; `made` operations are before them."""
    spec = history.header.spec
    if not (rows.op == OP["claim" if claims else "release"]).any():
        none = np.empty(0, dtype=np.int64)
        return ({"row": none}, {"row": none}), (none, none), None
    asked = _asked(history, rows, claims=claims)
    sticky = spec.refusals == "sticky"
    clash = _told_two_things(rows, asked) if sticky else None
    clash = clash or (_two_requests(rows, asked) if claims else None)
    effects, effect_of = _effects(rows, asked, sticky=sticky)
    slot = _slots(rows, asked, effects, effect_of)
    effects |= {
        "kind": np.full(len(slot), GRANT if claims else RELEASE, dtype=np.int8),
        "value": slot,
    }
    if not claims:
        del effects["value"]
        effects["moves"] = _moves(history, rows, asked, effects, effect_of)
    else:
        clash = clash or _slot_clash(rows, asked, effects, effect_of, slot)
    answers, repeats, repeat_of = _answers(rows, asked, sticky=sticky)
    if not claims:  # claims and releases are numbered apart
        for part in (effects, answers):
            part["request"] = part["request"] + len(rows.op)
    rest = np.flatnonzero(asked.done & (effect_of >= 0))
    rest = rest[asked.row[rest] != effects["row"][effect_of[rest]]]
    echo_row = np.concatenate([asked.row[rest], asked.row[repeats]])
    echo_of = np.concatenate([effect_of[rest], repeat_of + len(effects["row"])]) + made
    return (effects, answers), (echo_row, echo_of), clash


def _asked(history: History, rows: Rows, *, claims: bool) -> _Asked:
    spec = history.header.spec
    which = np.flatnonzero(rows.op == OP["claim" if claims else "release"])
    begins = rows.begins[which]
    if (np.diff(begins) < 0).any():
        which = which[np.argsort(begins, kind="stable")]
    answer, result = rows.answer[which], rows.result[which]
    maybe = (result == RESULT["info"]) | (result == RESULT["pending"])
    replayed = answer == ANSWER["replayed"]
    if claims:
        of_grant = (rows.slot[which] >= 0) | ((rows.cap[which] == NO_REFUSAL) & (spec.refusals == "fresh"))
        done = (answer == ANSWER["granted"]) | (replayed & of_grant)
        refused = among(answer, [ANSWER[word] for word in ("full", "duplicate", "closed")])
        refused |= replayed & ~of_grant
        if spec.counts == "received":
            maybe |= answer == ANSWER["incomplete"]
    else:
        done = (answer == ANSWER["released"]) | replayed
        refused = answer == ANSWER["unheld"]
    is_ok = result == RESULT["ok"]
    requests = _request_ids(rows, which)
    if claims and spec.refusals == "sticky":  # a repeat that says neither slot nor cap repeats what there was
        granted = np.zeros(len(which), dtype=np.bool_)
        granted[requests[done & is_ok]] = True
        done |= replayed & (rows.cap[which] == NO_REFUSAL) & granted[requests]
        refused &= ~done
    return _Asked(which, requests, done & is_ok, maybe, (refused & is_ok) & ~maybe)


def _request_ids(rows: Rows, which: Whole) -> Whole:
    """For each row the place of the first one with its applicant and key; its own where it has no key."""
    ids = np.arange(len(which), dtype=np.int64)
    key, applicant = rows.key[which], rows.applicant[which]
    keyed = key >= 0
    if not keyed.any():
        return ids
    many = np.flatnonzero(keyed & (np.bincount(key[keyed])[key] > 1))
    if len(many):
        pair = (applicant[many].astype(np.int64) + 1) * (int(key.max()) + 1) + key[many]
        _, first, inverse = np.unique(pair, return_index=True, return_inverse=True)
        ids[many] = many[first][inverse]
    return ids


def _effects(rows: Rows, asked: _Asked, *, sticky: bool) -> tuple[Table, Whole]:
    """Requests that took effect or may have; and for each row the place of its request, or -1."""
    live = asked.done | asked.maybe
    if sticky and asked.refused.any():  # an attempt under a key that was refused can have done no more
        was_refused = np.zeros(len(asked.row), dtype=np.bool_)
        says_why = (rows.answer[asked.row] != ANSWER["replayed"]) | (rows.cap[asked.row] != NO_REFUSAL)
        was_refused[asked.request[asked.refused & says_why]] = True
        live &= ~was_refused[asked.request] | asked.done
    place, ids = _same_request(rows, asked, live)
    _, first, inverse = _grouped(ids)
    lead = place[first]
    effect_of = np.full(len(asked.row), -1, dtype=np.int64)
    effect_of[place] = inverse
    done = np.flatnonzero(asked.done)
    ends = np.full(len(lead), NEVER, dtype=np.int64)
    np.minimum.at(ends, effect_of[done], rows.ends[asked.row[done]])
    optional = np.ones(len(lead), dtype=np.bool_)
    optional[effect_of[done]] = False
    intake = rows.intake[asked.row[lead]].copy()
    named = done[rows.intake[asked.row[done]] >= 0]
    intake[effect_of[named]] = rows.intake[asked.row[named]]
    row = asked.row[lead]
    return {
        "row": row,
        "begins": rows.begins[row],
        "ends": ends,
        "is_optional": optional,
        "request": asked.request[lead],
        "person": _person(rows, row),
        "intake": intake,
        "stream": rows.stream[row],
    }, effect_of


def _same_request(rows: Rows, asked: _Asked, live: Flags) -> tuple[Whole, Whole]:
    """The attempts that may have done something, and which of them are one request.

    Another stream or intake under the same key is another request, and one of the two is a mismatch: where
    one was granted, it is the other.
    """
    place = np.flatnonzero(live)
    ids, maybe = asked.request[place].copy(), ~asked.done[place]
    again = np.flatnonzero(maybe & (np.bincount(asked.request, minlength=1)[ids] > 1))
    if not len(again):
        return place, ids
    meant = np.full((2, len(asked.row)), -2, dtype=np.int64)
    done = np.flatnonzero(asked.done)
    meant[0, asked.request[done]], meant[1, asked.request[done]] = rows.stream[asked.row[done]], -1
    named = done[rows.intake[asked.row[done]] >= 0]
    meant[1, asked.request[named]] = rows.intake[asked.row[named]]
    stream, intake = rows.stream[asked.row[place[again]]], rows.intake[asked.row[place[again]]]
    of_stream, of_intake = meant[:, ids[again]]
    is_granted = of_stream > -2
    other = is_granted & ((stream != of_stream) | ((intake >= 0) & (of_intake >= 0) & (intake != of_intake)))
    loose = again[~is_granted]
    if len(loose):
        named = np.stack([ids[loose], stream[~is_granted], intake[~is_granted]])
        _, first, inverse = np.unique(named, axis=1, return_index=True, return_inverse=True)
        ids[loose] = place[loose][first][inverse]
    keep = np.ones(len(place), dtype=np.bool_)
    keep[again[other]] = False
    return place[keep], ids[keep]


def _grouped(ids: Whole) -> tuple[Whole, Whole, Whole]:
    """As np.unique with its indices; at once where all differ, as they mostly do."""
    if len(ids) and (np.diff(ids) > 0).all():
        places = np.arange(len(ids))
        return ids, places, places
    return np.unique(ids, return_index=True, return_inverse=True)


def _person(rows: Rows, row: Whole) -> Codes:
    """The applicant, for now; joined with the intake at the end."""
    return rows.applicant[row]


def _slots(rows: Rows, asked: _Asked, effects: Table, effect_of: Whole) -> Whole:
    slot = np.full(len(effects["row"]), -1, dtype=np.int64)
    told = np.flatnonzero(asked.done & (rows.slot[asked.row] >= 0))
    slot[effect_of[told]] = rows.slot[asked.row[told]]
    return slot


def _slot_clash(rows: Rows, asked: _Asked, effects: Table, effect_of: Whole, slot: Whole) -> Clash | None:
    """One key with two slots, or one slot under two keys."""
    told = np.flatnonzero(asked.done & (rows.slot[asked.row] >= 0))
    other = told[slot[effect_of[told]] != rows.slot[asked.row[told]]]
    if len(other):
        same = told[effect_of[told] == effect_of[other[0]]]
        return Clash(
            "same-key-other-answer", "one key was told of two slots", tuple(asked.row[same].tolist())
        )
    known = np.flatnonzero(slot >= 0)
    if len(known) and np.bincount(slot[known]).max() > 1:
        pair = (effects["intake"][known] + 1) * (int(slot.max()) + 1) + slot[known]
        order = np.argsort(pair, kind="stable")
        twice = np.flatnonzero(np.diff(pair[order]) == 0)
        if len(twice):
            both = known[order[twice[0] : twice[0] + 2]]
            rows_of = [int(asked.row[told[effect_of[told] == each][0]]) for each in both]
            return Clash("one-slot-two-holders", "one slot was granted under two keys", tuple(rows_of))
    return None


def _moves(history: History, rows: Rows, asked: _Asked, effects: Table, effect_of: Whole) -> Whole:
    """Whether each release lowers the count: as it was told, or else as the spec says."""
    gives_back = history.header.spec.gives_back
    moves = np.full(len(effects["row"]), "withdrawal" in gives_back)
    notes = history.coded("note")
    for reason in REASONS - {"withdrawal"} if len(notes.names) else ():
        is_reason = notes.starting(REASON + reason)
        if is_reason.any():
            moves[is_reason[effects["row"]]] = reason in gives_back
    told = np.flatnonzero(asked.done & (rows.given_back[asked.row] >= 0))
    moves[effect_of[told]] = rows.given_back[asked.row[told]] == 1
    return moves


def _two_requests(rows: Rows, asked: _Asked) -> Clash | None:
    """One key was granted a slot for two different requests, of which one should have been a mismatch."""
    if (asked.request == np.arange(len(asked.row))).all():
        return None  # no key was used again
    done = np.flatnonzero(asked.done)
    for column in (rows.stream, rows.intake):
        named = done[column[asked.row[done]] >= 0]  # an answer need not say which intake it was
        said = np.full(len(asked.row), -2, dtype=np.int64)
        said[asked.request[named]] = column[asked.row[named]]
        other = named[said[asked.request[named]] != column[asked.row[named]]]
        if len(other):
            same = done[asked.request[done] == asked.request[other[0]]]
            says = "one key was granted a slot for two different requests"
            return Clash("same-key-other-answer", says, tuple(asked.row[same].tolist()))
    return None


def _told_two_things(rows: Rows, asked: _Asked) -> Clash | None:
    """Under sticky refusals a key that was refused is never granted."""
    granted = np.zeros(len(asked.row), dtype=np.bool_)
    granted[asked.request[asked.done]] = True
    both = np.flatnonzero(asked.refused & granted[asked.request])
    if not len(both):
        both = _refused_twice(rows, asked)
    if not len(both):
        return None
    same = np.flatnonzero(asked.request == asked.request[both[0]])
    return Clash(
        "same-key-other-answer",
        "one key was given two answers, and refusals are kept",
        tuple(asked.row[same].tolist()),
    )


def _refused_twice(rows: Rows, asked: _Asked) -> Whole:
    """A refusal for another reason than the first one under its key."""
    answer = rows.answer[asked.row].astype(np.int64)
    named = (answer == ANSWER["replayed"]) & (rows.cap[asked.row] != NO_REFUSAL)
    answer = np.where(named, ANSWER["full"], answer)  # only want of room names a cap
    plain = np.flatnonzero(asked.refused & (answer != ANSWER["replayed"]))
    said = np.full(len(asked.row), -1, dtype=np.int64)
    said[asked.request[plain]] = answer[plain]
    return plain[said[asked.request[plain]] != answer[plain]]


_KIND_OF: Final = {
    "full": FULL,
    "duplicate": DUPLICATE,
    "closed": CLOSED,
    "unheld": UNHELD,
    "replayed": REFUSED,
}
_KINDS: Final = np.full(128, NOTHING)
for _word, _code in _KIND_OF.items():
    _KINDS[ANSWER[_word]] = _code


def _answers(rows: Rows, asked: _Asked, *, sticky: bool) -> tuple[Table, Whole, Whole]:
    """Refusals, and answers that tell nothing; with what merely repeats a kept refusal, and which."""
    is_ok = rows.result[asked.row] == RESULT["ok"]
    place = np.flatnonzero(asked.refused | (is_ok & ~asked.done & ~asked.maybe))
    kind = _KINDS[rows.answer[asked.row[place]]] if len(place) else np.empty(0, dtype=np.int64)
    kind = np.where(asked.refused[place], kind, NOTHING)
    begins, lead, cap = rows.begins[asked.row[place]], place, rows.cap[asked.row[place]]
    row, ends = asked.row[lead], rows.ends[asked.row[lead]]
    repeats = repeat_of = np.empty(0, dtype=np.int64)
    if sticky and len(place):
        _, first, inverse = np.unique(asked.request[place], return_index=True, return_inverse=True)
        lead = place[first]
        ends = np.full(len(lead), NEVER, dtype=np.int64)
        np.minimum.at(ends, inverse, rows.ends[asked.row[place]])
        said = np.full(len(lead), REFUSED)
        np.minimum.at(said, inverse, kind)  # REFUSED is the last of the kinds: whoever says why says more
        named = np.full(len(lead), NO_REFUSAL)
        np.maximum.at(named, inverse, cap)
        kind, cap = np.where((said == REFUSED) & (named >= 0), FULL, said), named
        # The first attempt under the key may be one without an answer, unless it may have been granted: by
        # an intake of which no opening and no close is on record, too, whomever it told that it is closed.
        turned = rows.intake[among(rows.op, (OP["open"], OP["close"]))]
        is_open = (kind == CLOSED) & ~np.isin(rows.intake[asked.row[lead]], turned)
        head = np.where((kind == REFUSED) | is_open, lead, asked.request[lead])
        begins = np.minimum(rows.begins[asked.row[lead]], rows.begins[asked.row[head]])
        row = np.where(asked.maybe[head], asked.row[head], asked.row[lead])
        unanswered = np.flatnonzero(asked.maybe[head])
        repeats = np.concatenate([np.delete(place, first), lead[unanswered]])
        repeat_of = np.concatenate([np.delete(inverse, first), unanswered])
    return (
        {
            "row": row,
            "kind": kind,
            "begins": begins,
            "ends": ends,
            "request": asked.request[lead],
            "person": _person(rows, row),
            "intake": rows.intake[asked.row[lead]],
            "stream": rows.stream[row],
            "cap": cap,
        },
        repeats,
        repeat_of,
    )
