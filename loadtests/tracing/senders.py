"""The people of a trace: those who apply in the replayed part, and on top of them some who may not.

What a person does differently from another (retries, pauses, hedges) is a column, drawn from a random stream
of the person's own, so that a larger crowd renames nobody and changes nobody's luck.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.tracing.moments import Flags, Marks, Sends, Whole
from loadtests.tracing.nouns import SECOND_NS
from sim import streams
from sim.labelled import Spread
from sim.load import Load
from sim.people import People
from sim.population import QUEBEC, Population
from sim.streams import Floats

MS_NS = 1_000_000

Luck = Callable[[str, int], Floats]
"""Uniforms of a random stream that belongs to the load test: its purpose, and how many."""


class Senders(NamedTuple):
    """The table of people, as the trace keeps it, before times: columns of one length."""

    ids: Marks
    streams: NDArray[np.int16]
    residences: NDArray[np.int8]
    certificate: Flags
    letter: Flags
    complete: Flags
    retries: NDArray[np.int8]
    backoff_ns: Marks
    hedge_ns: Marks


class Ineligible(NamedTuple):
    """Those who apply and may not: columns of one length."""

    like: Whole
    """Row of the people: someone of the same stream, who applies in the same second."""
    mark: Marks
    flaw: Whole
    """0: resident of Quebec; 1: without a certificate; 2: without a letter."""


def ineligible(load: Load, sends: Sends, luck: Luck) -> Ineligible:
    """Who applies and may not: as many as make up their share of all, spread like the others."""
    share = load.ineligible_share.value
    first = np.flatnonzero(sends.chain == 0)
    count = round(len(first) * share / (1.0 - share))
    if not count or not len(first):
        nothing = np.empty(0, dtype=np.int64)
        return Ineligible(nothing, nothing, nothing)
    like = np.sort(first[(luck("ineligible", count) * len(first)).astype(np.int64)])
    within = (luck("ineligible-second", count) * SECOND_NS).astype(np.int64)
    mark = sends.mark[like] // SECOND_NS * SECOND_NS + within
    flaw = (luck("ineligible-flaw", count) * 3).astype(np.int64)
    return Ineligible(sends.row[like], mark, flaw)


def senders(
    load: Load,
    population: Population,
    people: People,
    rows: Whole,
    others: Ineligible,
    luck: Luck,
) -> Senders:
    """The table of people: those of these rows of the population, then the ineligible."""

    def drawn(purpose: str) -> Floats:
        own = population.uniforms(f"load:{purpose}")[rows]
        return np.concatenate([own, luck(f"{purpose}/ineligible", len(others.like))])

    def spread(purpose: str, kind: Spread) -> Floats:
        return streams.triangular(drawn(purpose), low=kind.low, mode=kind.mode, high=kind.high)

    everyone = np.concatenate([rows, others.like])
    flaw = np.concatenate([np.full(len(rows), -1), others.flaw])
    hedges = drawn("hedge") < load.hedge_share.value
    hedge_ns = np.rint(spread("hedge-offset", load.hedge_ms) * MS_NS)
    return Senders(
        ids=np.concatenate([people.applicant[rows], -1 - np.arange(len(others.like))]).astype(np.int64),
        streams=people.stream[everyone].astype(np.int16),
        residences=np.where(flaw == 0, QUEBEC, people.residence[everyone]).astype(np.int8),
        certificate=flaw != 1,
        letter=flaw != 2,
        complete=people.complete[everyone] | (flaw >= 0),
        retries=np.rint(spread("retries", load.retries)).astype(np.int8),
        backoff_ns=np.rint(spread("backoff", load.backoff_ms) * MS_NS).astype(np.int64),
        hedge_ns=np.where(hedges, hedge_ns, -1).astype(np.int64),
    )
