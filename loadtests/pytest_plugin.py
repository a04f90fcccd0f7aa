"""The pytest fixture `quota_history`: record what a service answers, or read a file, and assert it VALID.

    def test_the_cap_holds(quota_history, client):
        history = quota_history(caps={"2022": 500})
        with history.claim("ana", key="ana-1") as claim:
            claim.granted(slot=client.claim("ana"))
        history.assert_valid()

    def test_the_recorded_run(quota_history):
        quota_history.read("history.parquet").assert_valid()

loadtests/recording.py says what can be recorded. pytest loads this module at its start wherever quotalab is
installed, so nothing else of ours is imported until a test asks for the fixture.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from loadtests.recording import Recorded, Recording
    from sim.ledger import Cap, Spec


class Histories:
    """What the fixture gives: call it to begin a recording."""

    def __init__(self, folder: Path, source: str) -> None:
        self._folder, self._source = folder, source

    def __call__(
        self,
        caps: "Mapping[str, int] | Collection[Cap]",
        *,
        spec: "Spec | Mapping[str, str] | None" = None,
        used: Mapping[str, int] | None = None,
        shared: bool = False,
    ) -> "Recording":
        """A recording under these caps; see loadtests.recording.Recording."""
        from loadtests.recording import Recording

        return Recording(caps, spec=spec, used=used, shared=shared, source=self._source, folder=self._folder)

    def read(
        self, path: Path | str, *, caps: "Mapping[str, int] | Collection[Cap] | None" = None
    ) -> "Recorded":
        """The history of a file, under these caps instead of its header's."""
        from loadtests.recording import read_recorded

        return read_recorded(path, caps=caps)


@pytest.fixture
def quota_history(request: pytest.FixtureRequest, tmp_path: Path) -> Histories:
    """Record what a service of capped intakes answers, and assert that some legal order explains it."""
    return Histories(tmp_path, f"pytest {request.node.nodeid}")
