"""Long random lives of a ledger, every reply compared with the second opinion of tests/worlds.py.

Caps of one to three overlap over streams and intakes; commands are drawn from so few applicants and keys
that they keep meeting one another. Now and then some steps are undone, or the past is played to a new ledger.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sim.ledger import (
    REASONS,
    Cap,
    Claim,
    Close,
    Command,
    Done,
    Ledger,
    Open,
    Read,
    Refresh,
    Release,
    SetCap,
    cap_of,
)
from tests.worlds import ALL_SPECS, Past, answer

SPANNING = Cap("both/pilot", 2, frozenset({("2022", "pilot"), ("2023", "pilot")}))
WHOLE = Cap("two years", 3, frozenset({("2022", None), ("2023", None)}))
OPENINGS = [
    Open("2022", (cap_of("2022", 2), SPANNING)),
    Open("2022", (WHOLE, cap_of("2022", 1, "pilot"))),
    Open("2022", (SPANNING, cap_of("2022", 2, "main", "study"))),
    Open("2023", (cap_of("2023", 1), SPANNING)),
    Open("2023", (WHOLE,)),
    Open("2023", ()),
]
CAP_NAMES = sorted({cap.name for opening in OPENINGS for cap in opening.caps} | {"none such"})

applicants = st.sampled_from(["ana", "bo", "cy"])
keys = st.sampled_from([f"k{number}" for number in range(9)])
intakes = st.sampled_from(["2022", "2023"])
claims = st.builds(Claim, applicants, keys, intakes, st.sampled_from(["main", "pilot", "study"]))
releases = st.builds(Release, applicants, keys, intakes, st.sampled_from(sorted(REASONS)))
rarer = st.one_of(
    st.builds(SetCap, intakes, st.sampled_from(CAP_NAMES), st.integers(0, 4)),
    st.builds(Refresh, intakes),
    st.builds(Read, intakes),
    st.sampled_from(OPENINGS),
)


class LedgerLife(RuleBasedStateMachine):
    """A ledger that begins with one intake open."""

    @initialize(spec=st.sampled_from(ALL_SPECS), opening=st.sampled_from(OPENINGS))
    def begin(self, spec, opening) -> None:
        self.ledger = Ledger(spec)
        self.past: Past = []
        self.states: list[tuple[object, ...]] = []  # before each step
        self.ask(opening)

    def ask(self, asked: Command) -> None:
        before = self.ledger.state()
        told = self.ledger.decide(asked)
        assert self.ledger.state() == before
        assert told == answer(self.ledger.spec, self.past, asked)
        self.ledger.record(asked, told)
        self.past.append((asked, told))
        self.states.append(before)

    @rule(claim=claims)
    def claim(self, claim) -> None:
        self.ask(claim)

    @rule(release=releases)
    def release(self, release) -> None:
        self.ask(release)

    @rule(choice=st.integers(0, 99), key=keys, reason=st.sampled_from(sorted(REASONS)))
    def release_what_is_held(self, choice, key, reason) -> None:
        # Drawn blindly, few releases would find a holder.
        held = [(applicant, intake) for intake in self.opened() for applicant in self.ledger.holders(intake)]
        if held:
            applicant, intake = held[choice % len(held)]
            self.ask(Release(applicant, key, intake, reason))

    def opened(self) -> list[str]:
        return sorted(
            {asked.intake for asked, told in self.past if isinstance(asked, Open) and told == Done()}
        )

    @rule(asked=rarer)
    def manage(self, asked) -> None:
        self.ask(asked)

    @rule(intake=intakes, is_meant=st.integers(0, 4).map(lambda die: die == 0))
    def close(self, intake, is_meant) -> None:
        # Nothing much happens after a close, so it is rare.
        if is_meant:
            self.ask(Close(intake))

    @rule(steps=st.integers(1, 6))
    def undo(self, steps) -> None:
        for _ in range(min(steps, len(self.past))):
            self.ledger.undo()
            self.past.pop()
            assert self.ledger.state() == self.states.pop()

    @rule()
    def play_again(self) -> None:
        second = Ledger(self.ledger.spec, journal=False)
        assert [second.apply(asked) for asked, _ in self.past] == [told for _, told in self.past]
        assert second.state() == self.ledger.state()

    @invariant()
    def the_accounts_agree(self) -> None:
        for tally in self.ledger.audit():
            assert tally.used - tally.held == tally.not_given_back


TestLedgerLife = LedgerLife.TestCase
TestLedgerLife.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
