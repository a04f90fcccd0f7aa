"""What happens beside the programme, as a scenario file says it: permanent residence, bridging permits."""

import datetime

from sim import labelled
from sim.labelled import Positive, Share, Spread, plain
from sim.policy import Record


class MedianPoint(Record):
    """A median processing time seen for applications filed on a date."""

    filed: datetime.date
    """The date."""
    months: labelled.PositiveMonths
    """The median."""


class PermanentResidence(Record):
    """The way round the programme: waiting for permanent residence."""

    files_share: Share = plain(0.97)
    """Certificate holders who apply for permanent residence while the certificate is valid."""
    files_months: labelled.PositiveMonths = plain(7.0)
    """Median months from certificate to that application; lognormal."""
    files_sigma: labelled.Sigma = plain(0.7)
    """Spread of that time."""
    approved_share: Share = plain(0.97)
    """Of those decided, the approved."""
    medians: tuple[MedianPoint, ...] = (MedianPoint(filed=datetime.date(2022, 1, 1), months=plain(27.0)),)
    """Median processing months by filing date; linear between the points, level outside them."""
    sigma: labelled.Sigma = plain(0.3)
    """Spread of the lognormal processing time."""
    throughput_persons: dict[int, Positive] = {}
    """Persons admitted in a year: processing runs faster or slower by their ratio to the reference."""
    throughput_reference: Positive = plain(25_000)
    """The throughput at which the medians hold; also that of years not listed."""


class Bridging(Record):
    """The uncapped permit for holders who already live in Quebec."""

    weeks: Spread = Spread(low=4, mode=8, high=16)
    """From the application for permanent residence to the bridging permit."""


class Pathways(Record):
    """What happens beside the programme."""

    permanent_residence: PermanentResidence = PermanentResidence()
    """Waiting for permanent residence."""
    bridging: Bridging = Bridging()
    """The bridging permit of holders in Quebec."""
