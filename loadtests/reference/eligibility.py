"""Who may claim at all: a pure function of the application, applied before any slot is looked at."""

from typing import Literal, NamedTuple

Residence = Literal["abroad", "other-province", "quebec"]


class Application(NamedTuple):
    """What an applicant says of themself."""

    stream: str
    residence: Residence
    certificate: bool  # has a valid certificate of selection
    letter: bool  # was invited
    complete: bool  # nothing is missing from the file


def broken_rule(application: Application, ineligible_streams: tuple[str, ...]) -> str | None:
    """The first rule that the application breaks; None if it may claim.

    Completeness is no rule of eligibility: an incomplete application is handed back, or counts as received.
    """
    if application.residence == "quebec":
        return "residence"
    if not application.certificate:
        return "certificate"
    if application.stream in ineligible_streams:
        return "stream"
    if not application.letter:
        return "letter"
    return None
