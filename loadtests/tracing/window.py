"""A part of a scenario as the command line names it: a day, or from one local date and time to another."""

import datetime

from pydantic import ValidationError

from sim.errors import complaint
from sim.load import Window

FORMS = "a day as 2022-12-31, or two local moments as 2022-12-31T23:59:30/2023-01-01T00:00:30"


def window_of(text: str) -> Window:
    """The window of a text; BadInput if it is none."""
    first, slash, last = text.partition("/")
    try:
        if not slash:
            return Window(day=datetime.date.fromisoformat(first))
        return Window(starts=_local(first), ends=_local(last))
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise complaint(f"{text!r} is no part of a scenario: {why}", key="--window", expected=FORMS) from None
    except ValueError:
        raise complaint(f"{text!r} is no part of a scenario", key="--window", expected=FORMS) from None


def _local(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise complaint(
            f"{text} has a time zone",
            key="--window",
            mend="leave it out: times are those of the scenario's zone",
        )
    return moment
