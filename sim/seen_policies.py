"""Policies seen in real programmes, each as the keys that make it: what `quotalab policies` prints.

The keys are those of a table [policies.NAME], as TOML; dates are for an intake of 2024; streams, attributes
and numbers are examples. `Zero cap` is a key of the intake instead. Where a line says nothing of `invite`,
the example is meant without letters: `invite = { by = "open" }`. scenarios/README.md has the same table;
tests hold the two equal, and try out every line.
"""

from typing import NamedTuple


class Seen(NamedTuple):
    """One policy as programmes use it."""

    name: str
    what: str
    """What it does, in one line."""
    keys: tuple[str, ...]
    """Lines of TOML."""
    seen_in: str
    """A real programme that works this way."""


POLICIES: tuple[Seen, ...] = (
    Seen(
        "First come, strict",
        "slots in the order of applications until the cap, without letters",
        ('invite = { by = "open" }',),
        "Home Care Worker pilots 2025",
    ),
    Seen(
        "First come, final day by lot",
        "slots day by day; of the day on which the cap is reached, by lot",
        ('claims = { every_days = 1, order = "lottery" }',),
        "H-1B 2008",
    ),
    Seen(
        "Virtual waiting room",
        "people queue before the form and are let in at a set rate",
        ("waiting_room = { admitted_per_hour = 2 }",),
        "Mon projet Québec 2016",
    ),
    Seen(
        "Lottery, single",
        "one draw from everyone who waits on a day, as many letters as slots",
        ('invite = { order = "lottery", dates = [2024-02-01], size = "to-cap" }',),
        "Parents and Grandparents Program 2020",
    ),
    Seen(
        "Lottery, ranked list",
        "one random order for good, used up over several rounds",
        (
            (
                'invite = { order = "ranked-lottery", dates = [2024-02-01, 2024-03-01], '
                'size = "fixed", number = 1 }'
            ),
        ),
        "the same, 2017 and 2018",
    ),
    Seen(
        "One person, one entry",
        "persons are drawn, whatever number of entries they make",
        ('invite = { order = "ranked-lottery", dates = [2024-02-01], size = "to-cap" }',),
        "H-1B from 2025",
    ),
    Seen(
        "Weighted lottery",
        "a draw in which the classes of an attribute have unequal chances",
        (
            (
                'invite = { order = "ranked-lottery", dates = [2024-02-01], size = "to-cap", '
                'weights = { by = "wage", values = { high = 4 } } }'
            ),
        ),
        "H-1B 2027",
    ),
    Seen(
        "Weighted by entries",
        "a draw in which each entry of a person counts",
        (
            (
                'invite = { order = "ranked-lottery", dates = [2024-02-01], size = "to-cap", '
                'weights = { by = "entries" } }'
            ),
        ),
        "H-1B to 2024",
    ),
    Seen(
        "Score rounds",
        "letters to the highest scores",
        ('invite = { order = "score", dates = [2024-02-01], size = "to-cap" }',),
        "Arrima, Express Entry",
    ),
    Seen(
        "Tie-break by timestamp",
        "letters to the highest scores, of equal ones to the oldest certificate",
        ('invite = { order = "score", dates = [2024-02-01], size = "fixed", number = 1 }',),
        "Express Entry, PSTQ",
    ),
    Seen(
        "Over-invitation",
        "more letters than slots, since not all are used",
        ('invite = { dates = [2024-02-01], size = "to-cap", factor = 1.5 }',),
        "Parents and Grandparents Program: 1.15 to 1.79",
    ),
    Seen(
        "Over-invitation, adaptive",
        "the same, the factor learnt from the letters settled so far",
        (
            (
                'invite = { dates = [2024-02-01, 2024-04-01], size = "to-cap", adapts_after = 1, '
                "letter_validity_days = 20 }"
            ),
        ),
        "New Zealand's parent category",
    ),
    Seen(
        "Periodic release",
        "the cap in parts, one a window",
        ('release = { every = "dates", dates = [2024-07-01] }',),
        "UK Tier 2; Saskatchewan's six windows",
    ),
    Seen(
        "Carry-over within the year",
        "slots unused in a window go to the next, until the year ends",
        ('release = { every = "dates", dates = [2024-07-01], carry = "within-year" }',),
        "UK Tier 2",
    ),
    Seen(
        "Carry-over across years",
        "slots unused in a year go to the next",
        ('release = { carry = "across-years" }',),
        "IMP+ 2021 to 2022; Swiss quotas",
    ),
    Seen(
        "Borrowing",
        "a part of the next window's slots may be taken before it begins",
        ('release = { every = "dates", dates = [2024-07-01], borrow = 0.5 }',),
        "UK Tier 2, December 2017",
    ),
    Seen(
        "Reclaim on expiry",
        "a permit that is not used in time gives its slot back",
        (
            'gives_back = ["expiry"]',
            "use_within_days = 20",
        ),
        "UK Tier 2, after 3 months",
    ),
    Seen(
        "No reclaim",
        "whoever is refused or withdraws has used up a slot",
        ("gives_back = []",),
        "IMP+",
    ),
    Seen(
        "Cap on output",
        "approvals count, not applications",
        ('counts = "approved"',),
        "International Experience Canada",
    ),
    Seen(
        "Two-stage cap",
        "applications taken in are capped at a multiple, complete ones at the cap",
        (
            'counts = "received"',
            "received_factor = 1.5",
        ),
        "caregiver pilots",
    ),
    Seen(
        "Hard sub-quota",
        "slots of a stream that neither side lends",
        ('reserves = [{ stream = "b", slots = 1, kind = "hard" }]',),
        "from temporary to permanent residence 2021",
    ),
    Seen(
        "Soft reserve, reserve last",
        "everyone competes for the common pool, then the reserve serves its stream",
        ('reserves = [{ stream = "b", slots = 1, kind = "reserve-last" }]',),
        "H-1B masters since 2019",
    ),
    Seen(
        "Soft reserve, reserve first",
        "the reserve first, and whoever it does not serve joins the common pool",
        ('reserves = [{ stream = "b", slots = 1, kind = "reserve-first" }]',),
        "H-1B masters before 2019",
    ),
    Seen(
        "Cascade spill-over",
        "late in the year unused slots fall down a list of streams, and back to its beginning",
        (
            (
                'reserves = [{ stream = "a", slots = 1, kind = "reserve-first" }, { stream = "b", '
                'slots = 1, kind = "reserve-first" }, { stream = "c", slots = 1, '
                'kind = "reserve-first" }]'
            ),
            'spill = { dates = [2024-09-01], streams = ["a", "b", "c"] }',
        ),
        "US employment green cards",
    ),
    Seen(
        "Shared central reserve",
        "streams with slots of their own draw on a common pool when these are gone",
        (
            (
                'reserves = [{ stream = "a", slots = 1, kind = "reserve-first" }, { stream = "b", '
                'slots = 1, kind = "reserve-first" }]'
            ),
        ),
        "Swiss cantons and the federal pool, which is what is not reserved",
    ),
    Seen(
        "Per-country limit, of a year",
        "at most a part of the year's slots to one country",
        ('value_limit = { attribute = "country", share = 0.5 }',),
        "US: 7 %",
    ),
    Seen(
        "Per-country limit, of a draw",
        "at most a part of each round's letters to one country",
        (
            'invite = { dates = [2024-02-01], size = "fixed", number = 2 }',
            'value_limit = { attribute = "country", share = 0.5, of = "round" }',
        ),
        "PRTQ: 25 %",
    ),
    Seen(
        "Waitlist, dated queue",
        "who finds the cap reached waits, and is served oldest first",
        (
            'over_cap = "queue"',
            'gives_back = ["refusal"]',
        ),
        "New Zealand's parent queue",
    ),
    Seen(
        "Waitlist, expiring",
        "the same until the intake closes, then everything is handed back",
        (
            'over_cap = "queue"',
            "waitlist_expires = true",
        ),
        "Saskatchewan's Job Approval Forms",
    ),
    Seen(
        "Invitation expiry",
        "a letter not used in so many days lapses",
        (('invite = { dates = [2024-02-01, 2024-04-01], size = "to-cap", letter_validity_days = 30 }'),),
        "Arrima: 60 days; H-1B: 90",
    ),
    Seen(
        "Entry expiry",
        "a place in the pool lapses some time after the certificate",
        ('invite = { dates = [2024-02-01], size = "fixed", number = 1, entry_validity_days = 365 }',),
        "Arrima: 12 months",
    ),
    Seen(
        "Zero cap",
        "closed by a cap of 0",
        ("cap = 0",),
        "Home Care Worker pilots 2026 to 2030",
    ),
    Seen(
        "Mid-year top-up",
        "the cap rises during the year",
        ("top_ups = [{ date = 2024-07-01, slots = 1 }]",),
        "Provincial Nominee Program 2025",
    ),
    Seen(
        "Counter refreshed every d days",
        "claims are judged by a count that is some days old, and pass the cap",
        ("counter = { refresh_days = 7 }",),
        "IMP+, counted weekly; overshoots until the next copy",
    ),
)
