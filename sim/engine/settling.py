"""What everyone's course came to: the columns of an outcome, from the columns the offices wrote.

An office may know a time beyond the horizon (the end of a service begun before it); here such times become
`NEVER`, and the last thing that happened before the horizon becomes the status.
"""

from typing import NamedTuple

import numpy as np

from sim import outcome as status
from sim.clock import NEVER, Seconds
from sim.engine import course as stage
from sim.engine.course import Course
from sim.engine.kernels import Whole
from sim.engine.prepared import Prepared
from sim.people import People
from sim.population import QUEBEC


class Terms(NamedTuple):
    """For how long papers are good under a policy, in seconds; NEVER for ever."""

    letter: int
    """From the letter to the application."""
    entry: int
    """From the certificate to the letter."""
    use: int
    """From the decision to the arrival."""


def final_columns(
    prepared: Prepared, letter: Seconds, terms: Terms, course: Course, horizon: int
) -> dict[str, Whole]:
    """The outcome's columns for the rows in scope; `intake` is still an index, -1 for none."""

    def seen(times: Seconds) -> Seconds:
        return np.where(times < horizon, times, NEVER)

    rows = prepared.rows
    files_pr = rows.pr_decided < NEVER
    overtaken = np.where(rows.pr_approved, status.PR_FIRST, status.PR_REFUSED)
    overtaken = np.where(files_pr, overtaken, status.CERTIFICATE_EXPIRED)
    loses_standing = rows.standing_until < horizon
    left = seen(course.left)
    decided = seen(course.decided)

    # before filing: the pool, which an entry may drop out of; then a letter, declined, lapsed or overtaken
    code = np.where(letter < NEVER, status.INVITED, status.POOL).astype(np.int16)
    never_filed = course.attempts == 0
    answer = letter + np.where(letter < NEVER, prepared.answer_delay, 0)
    expires = letter + np.where(letter < NEVER, terms.letter, 0)
    in_time = (letter < NEVER) & (answer < expires)
    declined = prepared.declines & in_time & (answer < rows.standing_until) & (answer < horizon)
    answers = (prepared.declines | prepared.applies) & in_time
    lapsed = (letter < NEVER) & ~answers & (expires < rows.standing_until) & (expires < horizon)
    entry_ends = prepared.certified + terms.entry
    dropped = (letter >= NEVER) & (entry_ends < rows.standing_until) & (entry_ends < horizon)
    too_late = never_filed & ~declined & ~lapsed & ~dropped & loses_standing
    for rows_of, code_of, left_of in (
        (never_filed & declined, status.DECLINED, answer),
        (never_filed & lapsed, status.LAPSED, expires),
        (dropped, status.LAPSED, entry_ends),
        (too_late | (course.state == stage.NO_STANDING), overtaken, rows.standing_until),
    ):
        np.copyto(code, code_of, where=rows_of)
        np.copyto(left, left_of, where=rows_of)

    # after filing
    withdrew = course.filed + rows.withdraws_after < rows.pr_decided
    in_office = (course.state == stage.IN_PROCESS) | (course.state == stage.DECIDED)
    in_office |= course.state == stage.LEFT
    gone = in_office & (left < NEVER) & (course.started >= NEVER)
    is_decided = in_office & (decided < NEVER)
    permit = is_decided & rows.approved
    permit_s = np.where(permit, decided, NEVER)
    arrival = np.where(permit, decided + rows.landing, NEVER)
    overtakes = permit & rows.pr_approved & (rows.pr_decided <= arrival)
    expires_unused = permit & (rows.landing > terms.use)
    unused = overtakes | expires_unused
    unused_from = np.minimum(
        np.where(overtakes, np.maximum(rows.pr_decided, decided + 1), NEVER),
        np.where(expires_unused, decided + terms.use, NEVER),
    )
    for rows_of, code_of in (
        (course.state == stage.INCOMPLETE, status.RETURNED_INCOMPLETE),
        (course.state == stage.OVER_CAP_RETURNED, status.RETURNED_OVER_CAP),
        (course.state == stage.OVER_CAP_REFUSED, status.REFUSED_OVER_CAP),
        (course.state == stage.WAITING, status.WAITLISTED),
        (course.state == stage.COLLECTED, status.WAITLISTED),
        (in_office, status.ACCEPTED),
        (gone, np.where(withdrew, status.WITHDRAWN, overtaken)),
        (is_decided, status.REFUSED),
        (permit, status.PERMIT),
        (unused & (unused_from < horizon), status.PERMIT_UNUSED),
    ):
        np.copyto(code, code_of, where=rows_of)
    np.copyto(left, unused_from, where=unused & (unused_from < horizon))
    return {
        "status": code,
        "letter_s": letter,
        "first_filed_s": course.first_filed,
        "filed_s": course.filed,
        "attempts": course.attempts,
        "full_count": course.full_count,
        "first_full_s": course.first_full,
        "intake": course.intake,
        "slot_s": course.slot,
        "spent": course.spent,
        "ready_s": seen(course.ready),
        "started_s": seen(course.started),
        "decided_s": decided,
        "permit_s": permit_s,
        "arrived_s": seen(np.where(unused, NEVER, arrival)),
        "left_s": left,
    }


def status_outside(people: People, horizon: int) -> Whole:
    """The status of everyone as if out of scope: bridged in Quebec, or none of the programme's business."""
    bridged = (people.residence == QUEBEC) & (people.bridging_s < np.minimum(horizon, people.pr_decided_s))
    return np.where(bridged, status.BRIDGING, status.OUT_OF_SCOPE).astype(np.int16)
