"""Reading back: the effect of a claim or release that nobody answered, told by the slot that one holds now.

It is a step like any other, so that it is sent, recorded and answered like an attempt: for a claim a slot is
`replayed` (or a `duplicate`, if an earlier chain was granted it) and none is `unheld`; for a release none is
`released`, and a slot that is still there a `conflict`: nothing was done, and it may be tried again.
"""

from collections.abc import Mapping
from typing import Final

from loadtests.profiles.exchange import Classified, Who
from loadtests.profiles.readings import CompiledSlot, Unreadable
from loadtests.profiles.records import Poll, Profile
from loadtests.profiles.steps import CompiledStep

HELD: Final = "slots held before"
"""The variable with the slots that the applicant's earlier chains were granted; no placeholder names it."""
SEPARATOR: Final = "\x1f"
NOTE: Final = "read back"


def read_back(slot: CompiledSlot | None, profile: Profile) -> dict[str, tuple[CompiledStep, ...]]:
    """Operation -> the step that reads its effect back; nothing without a reading of the slot."""
    return {} if slot is None else {op: (_step(op, slot, profile),) for op in ("claim", "release")}


def _step(op: str, slot: CompiledSlot, profile: Profile) -> CompiledStep:
    def classify(
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        variables: Mapping[str, str],
        who: Who | None = None,
    ) -> Classified:
        assert who is not None, "a slot is that of somebody"
        try:
            found = slot.value(status, headers, body, who)
        except Unreadable as error:
            return Classified("error", "info", note=f"{NOTE}: {error}")
        if op == "release":
            return _released(found)
        before = [each for each in variables.get(HELD, "").split(SEPARATOR) if each]
        is_earlier = bool(before) if profile.slot == "applicant" else found in before
        claim_id = slot.claim_id(status, headers, body, who) if found is not None else None
        return _claimed(found, claim_id, is_earlier=is_earlier, is_named=profile.slot == "answer")

    return CompiledStep(f"read back {op}", slot.request, None, classify, (), Poll())


def _released(found: str | None) -> Classified:
    if found is None:
        return Classified("released", "ok", note=NOTE)
    return Classified("conflict", "fail", note=f"{NOTE}: slot {found} is still held")


def _claimed(found: str | None, claim_id: str | None, *, is_earlier: bool, is_named: bool) -> Classified:
    if found is None:
        return Classified("unheld", "fail", note=f"{NOTE}: no slot is held")
    slot = found if is_named else None
    if is_earlier:
        return Classified("duplicate", "ok", slot=slot, claim_id=claim_id, note=NOTE)
    return Classified("replayed", "ok", slot=slot, claim_id=claim_id, note=NOTE)
