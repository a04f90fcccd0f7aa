"""A run is meant by its folder, its name, the beginning of its name, or `last`."""

import json
from pathlib import Path

import pytest

from sim.errors import BadInput
from sim.run_folders.locating import locate


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, started in (("rush-1", "2026-01-02T00:00:00Z"), ("rush-2", "2026-01-01T00:00:00Z")):
        folder = tmp_path / "results" / "runs" / name
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(json.dumps({"started": started}))
    (tmp_path / "results" / "runs" / "junk").mkdir()
    return tmp_path / "results" / "runs"


def test_a_folder_is_meant_by_its_path(runs: Path) -> None:
    assert locate(runs / "rush-2") == runs / "rush-2"


def test_a_name_or_its_beginning_will_do() -> None:
    assert locate("rush-2").name == "rush-2"
    assert locate("rush").name == "rush-1", "the newest, by the manifests"


def test_last_is_the_newest() -> None:
    assert locate("last").name == "rush-1"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ("rush-3", "write rush-"),
        ("results/runs/junk", "no run folder"),
        ("elsewhere", "expected: a run folder"),
    ],
)
def test_what_cannot_be_found_is_said(run: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        locate(run)
