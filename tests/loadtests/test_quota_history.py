"""The fixture quota_history, as another project uses it; and that it does nothing to who does not."""

import fnmatch
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.history import read
from loadtests.recording import Recording
from sim.errors import BadInput

ALONE = ("-p", "no:locust", "-p", "no:valkey", "-p", "no:xdist", "-p", "no:cacheprovider")

SHOP = '''
import threading
import time
from concurrent.futures import ThreadPoolExecutor

class Shop:
    """Ten slots; without its lock it looks first, and takes later."""
    def __init__(self, locked):
        self.holders, self.lock = {}, threading.Lock() if locked else threading.Semaphore(8)

    def claim(self, who):
        with self.lock:
            taken = len(self.holders)
            time.sleep(0.002)
            if taken >= 10:
                return None
            self.holders[who] = f"{who}'s"
            return self.holders[who]

def crowd(history, shop):
    def apply(number):
        with history.claim(f"p{number}", key=f"p{number}-1") as claim:
            slot = shop.claim(f"p{number}")
            claim.full() if slot is None else claim.granted(slot=slot)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(apply, range(40)))
'''


KEEPS = """
def test_the_cap_holds(quota_history):
    shop, history = Shop(locked=True), quota_history(caps={"2022": 10})
    crowd(history, shop)
    history.audit(used=len(shop.holders), holders=shop.holders)
    history.assert_valid()
"""
BREAKS = """
def test_the_cap_holds(quota_history):
    shop, history = Shop(locked=False), quota_history(caps={"2022": 10})
    crowd(history, shop)
    history.assert_valid()
"""
READS = """
def test_right(quota_history):
    quota_history.read("h.parquet").assert_valid()
def test_wrong(quota_history):
    assert quota_history.read("h.parquet", caps={"2022": 0}).verdict().judgement == "INVALID"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Another project whose tests were run, all by one pytest; its folder, and what was said."""
    folder = tmp_path_factory.mktemp("project")
    recorded(granted=1).save(folder / "h.parquet")
    for name, text in (("keeps", SHOP + KEEPS), ("breaks", SHOP + BREAKS), ("reads", READS)):
        (folder / f"test_{name}.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", *ALONE, "-v", "--basetemp", "kept", "-c", "/dev/null"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    return folder, ran.stdout.splitlines()


def outcomes(said: list[str], file: str) -> list[str]:
    """How the tests of a file ended."""
    return [line.split()[1] for line in said if line.startswith(f"{file}::")]


def test_a_service_that_keeps_its_cap_passes(project: tuple[Path, list[str]]) -> None:
    _, said = project
    assert outcomes(said, "test_keeps.py") == ["PASSED"]


def test_one_that_does_not_fails_with_the_clash_and_leaves_its_history(
    project: tuple[Path, list[str]],
) -> None:
    folder, said = project
    assert outcomes(said, "test_breaks.py") == ["FAILED"]
    found = fnmatch.filter(said, "E *")
    wanted = ("E * INVALID: over-cap: *", "E * claim*granted*", "E *quotalab check *jsonl")
    at = [found.index(fnmatch.filter(found, each)[0]) for each in wanted]
    assert at == sorted(at)
    [kept] = (folder / "kept").rglob("history.jsonl")
    assert len(read(kept)) == 40
    assert not any("assert_valid(self" in line for line in said)


def test_a_file_can_be_asserted_on(project: tuple[Path, list[str]]) -> None:
    _, said = project
    assert outcomes(said, "test_reads.py") == ["PASSED", "PASSED"]


def test_pytest_finds_the_fixture_by_itself_and_imports_nothing_for_it(tmp_path: Path) -> None:
    entries = importlib.metadata.entry_points(group="pytest11", name="quotalab")
    assert [entry.value for entry in entries] == ["loadtests.pytest_plugin"]
    code = (
        "import pytest, sys; before = set(sys.modules); import loadtests.pytest_plugin; "
        "print(sorted(name for name in set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['loadtests', 'loadtests.pytest_plugin']"


def recorded(granted: int, *, cap: int = 1) -> Recording:
    recording = Recording({"2022": cap})
    for number in range(granted):
        with recording.claim(f"p{number}") as claim:
            claim.granted(slot=number)
    return recording


def test_a_block_that_raises_may_have_taken_effect() -> None:
    recording = recorded(1, cap=2)
    with pytest.raises(TimeoutError), recording.claim("late"):
        raise TimeoutError("no answer")
    with recording.claim("next") as claim:
        claim.full()  # the one that was lost explains it
    assert recording.verdict().judgement == "VALID"
    assert next(recording.history().rows([1]))["result"] == "info"


def test_a_block_that_tells_nothing_is_not_understood() -> None:
    recording = recorded(1)
    with recording.claim("silent"):
        pass
    with pytest.raises(AssertionError, match="UNKNOWN: 1 answer was not understood"):
        recording.assert_valid()


def test_releases_and_readings_are_judged_too() -> None:
    recording = recorded(1)
    with recording.release("p0") as release:
        release.released()
    with recording.read() as reading:
        reading.count(1)
    assert recording.verdict().judgement == "VALID"  # gives_back is empty: used stays
    again = Recording({"2022": 1}, spec={"gives_back": "withdrawal"})
    for row in recording.history().rows():
        again.record(**{name: value for name, value in row.items() if name != "index"})
    assert again.verdict().judgement == "INVALID"


def test_an_audit_is_held_against_what_was_told() -> None:
    for holders in ({"p0": "7"}, {"other": "0"}, ["p0", "p0"]):
        recording = recorded(1)
        recording.audit(used=1, holders=holders)
        assert recording.verdict().judgement == "INVALID"
    recording = recorded(1)
    recording.audit(used=1, holders={"p0": 0})
    assert recording.verdict().judgement == "VALID"


def test_misuse_is_said_where_it_happens() -> None:
    recording = recorded(1)
    with recording.claim("ana") as claim:
        claim.full()
    with pytest.raises(BadInput, match="one answer"):
        claim.granted()
    with pytest.raises(BadInput, match="'grantde' is no answer"):
        recording.record("claim", invoked_ns=1, answer="grantde")
    with pytest.raises(BadInput, match="which intake"):
        Recording({"2022": 1, "2023": 1}).claim("ana")
    with recording.claim("bo") as claim, pytest.raises(BadInput, match="under way"):
        recording.audit(used=1)
    with pytest.raises(BadInput, match="no cap"):
        Recording({"20 22": 1})
