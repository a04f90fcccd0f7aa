"""`quotalab load` from beginning to end, against real services through real Locust; and what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from loadtests import cli
from loadtests.history import read
from loadtests.loading import folder
from loadtests.loading.cleaning import clean
from loadtests.loading.plan import Options, plan
from loadtests.recorder import left_in
from loadtests.safe import Lock, check_host, check_pace
from loadtests.trace import Trace
from scenarios import __file__ as scenarios_file
from sim.errors import BadInput
from tests.loadtests.services import Service, running

ROOT = Path(__file__).resolve().parents[2]
SECRET = "open-sesame-4711"
SMALL = ("--scale", "0.01", "--minutes", "0.05")


@pytest.fixture(scope="session")
def rush(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The opening day, with no more to be seen than three seconds can show."""
    text = (Path(scenarios_file).parent / "opening-day.toml").read_text("utf-8")
    assert "[load.must_see]" in text
    text = text.split("[load.must_see]")[0] + "[load.must_see]\ncap_reached = true\nrefusals = 20_000\n"
    path = tmp_path_factory.mktemp("scenario") / "rush.toml"
    path.write_text(text, "utf-8")
    return path


def started(where: Path, *arguments: str | Path) -> subprocess.Popen[str]:
    """The command as a child of the test, in an empty working folder."""
    where.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "loadtests.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=where, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ran(where: Path, *arguments: str | Path) -> tuple[int, str, str]:
    child = started(where, *arguments)
    try:
        said, told = child.communicate(timeout=90)
    finally:
        child.send_signal(signal.SIGINT)  # it stops its own children; nothing if it is gone
    return child.returncode, said, told


def verdict_of(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "verdict.json").read_text("utf-8"))
    return found


def test_a_right_service_is_valid_and_everything_is_kept(tmp_path: Path, rush: Path) -> None:
    run, report = tmp_path / "run", tmp_path / "report.xml"
    code, said, told = ran(tmp_path, "load", rush, *SMALL, "--out", run, "--junit", report)
    assert (code, said.splitlines()[0].split(":")[0]) == (0, "VALID"), said + told
    assert "first sends of" in told  # what will be sent comes first
    for name in ("history.parquet", "verdict.json", "latency.hdr", "summary.json", "trace.npz", "locust"):
        assert (run / name).exists()
    assert json.loads((run / "manifest.json").read_text("utf-8"))["complete"]
    history, trace = read(run / "history.parquet"), Trace.load(run / "trace.npz")
    [cap] = history.header.caps
    assert int(history.is_op("hold").sum()) == cap.limit == 270
    assert int((history.is_op("claim") & (history["attempt"] == 0)).sum()) == trace.counts["sends"]
    assert ElementTree.parse(report).getroot().get("failures") == "0"


@pytest.mark.long
def test_a_planted_fault_is_invalid_and_shows_the_operations(tmp_path: Path, rush: Path) -> None:
    fault = "non-idempotent-retry"
    arguments = ("--target", "reference:memory", "--fault", fault, "--json", "--out", tmp_path / "run")
    code, said, told = ran(tmp_path, "load", rush, *SMALL, *arguments)
    assert code == 1, said + told
    found = json.loads(said)
    assert found["verdict"] == "INVALID"
    [first, *_] = [each for each in found["findings"] if each["verdict"] == "INVALID"]
    assert first["anomaly"] == "same-key-other-answer"
    assert len({each["slot"] for each in first["operations"]}) == 2


def waited_for_rows(where: Path, number: int) -> None:
    until = time.monotonic() + 60
    while sum(len(each.rows) for each in left_in(where)) < number:
        assert time.monotonic() < until, "no traffic"
        time.sleep(0.05)


def test_a_killed_worker_is_not_waited_for_and_the_record_agrees_with_the_service(
    tmp_path: Path, rush: Path
) -> None:
    run = tmp_path / "run"
    options = ("--scale", "0.01", "--minutes", "0.08", "--workers", "2")
    child = started(tmp_path, "load", rush, *options, "--out", run)
    waited_for_rows(run / "history", 400)
    victim = left_in(run / "history")[0].pid
    os.kill(victim, signal.SIGKILL)
    said, told = child.communicate(timeout=60)
    assert child.returncode == 2, said + told  # half of the traffic was not sent
    assert "1 worker died" in told
    found = {each["check"]: each["verdict"] for each in verdict_of(run)["findings"]}
    assert found.pop("exercise") == "UNKNOWN"
    assert set(found) >= {"receipts", "bounds", "audit", "errors", "linearizability"}
    assert set(found.values()) <= {"VALID", "NOTED"}
    assert not json.loads((run / "manifest.json").read_text("utf-8"))["complete"]


@pytest.mark.long
def test_an_interruption_stops_cleanly_and_judges_what_was_recorded(tmp_path: Path, rush: Path) -> None:
    run = tmp_path / "run"
    child = started(tmp_path, "load", rush, "--scale", "0.01", "--minutes", "0.4", "--out", run)
    waited_for_rows(run / "history", 100)
    child.send_signal(signal.SIGINT)
    said, told = child.communicate(timeout=60)
    assert child.returncode == 2, said + told
    assert "did not come to its end" in said
    assert "audit" in said
    assert not read(run / "history.parquet").header.complete


def test_the_same_id_does_not_run_twice(tmp_path: Path) -> None:
    lock = Lock("abc", tmp_path)
    with pytest.raises(BadInput, match="is under way"):
        Lock("abc", tmp_path)
    lock.release()
    with pytest.raises(BadInput, match="has been made"):
        Lock("abc", tmp_path)


def test_traffic_goes_to_this_machine_unless_the_host_is_owned() -> None:
    for ours in ("http://127.0.0.1:8080", "http://127.1.2.3", "http://[::1]:80", "https://localhost"):
        check_host(ours, ())
    check_host("https://quota.example", ("quota.example",))
    for theirs, owned in (
        ("https://quota.example", ()),
        ("https://quota.example", ("example",)),
        ("http://127.0.0.1.example", ()),
        ("http://0.0.0.0", ()),
    ):
        with pytest.raises(BadInput, match="--i-own"):
            check_host(theirs, owned)


def test_rate_and_length_are_bounded_unless_raised() -> None:
    check_pace(100, 1, most_per_s=100, most_minutes=1)
    with pytest.raises(BadInput, match="--most-rate 101"):
        check_pace(101, 1, most_per_s=100, most_minutes=1)
    with pytest.raises(BadInput, match="--most-minutes 2"):
        check_pace(100, 2, most_per_s=100, most_minutes=1)


def test_an_earlier_run_in_the_folder_is_replaced_and_anything_else_is_left_alone(tmp_path: Path) -> None:
    planned = plan(
        Options("opening-day", target="reference:memory", scale=0.002, minutes=1, out=tmp_path / "a")
    )
    for _ in range(2):
        began = folder.begin(planned)
        (began.path / "history" / "x.rows").write_bytes(b"x")
        folder.finish(began, is_complete=True)
    assert list((tmp_path / "a" / "history").iterdir()) == [tmp_path / "a" / "history" / "x.rows"]
    assert "trace.npz" in json.loads((tmp_path / "a" / "manifest.json").read_text("utf-8"))["files"]
    (tmp_path / "a" / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="mine"):
        folder.begin(planned)
    assert (tmp_path / "a" / "history" / "x.rows").exists()


PROFILE = 'format = 1\nname = "mine"\ntitle = "mine"\nextends = "reference"\nbase_url = "{url}"\n'


def profile(where: Path, url: str, more: str = "") -> Path:
    path = where / "mine.toml"
    path.write_text(PROFILE.format(url=url) + more, "utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no-such-scenario",), "no-such-scenario"),
        (("opening-day", "--target", "reference:oracle"), "'oracle' is no store"),
        (("opening-day", "--target", "nothing.toml"), "nothing.toml"),
        (("opening-day", "--target", "reference", "--fault", "check-then-act"), "--target reference:sqlite"),
        (("opening-day", "--target", "reference:memory", "--service-workers", "2"), "in one process"),
        (("opening-day", "--scale", "0.01", "--minutes", "60"), "the run would last 60.0 minutes"),
        (("opening-day", "--minutes", "2", "--budget", "60s"), "the replay alone takes"),
        (("opening-day", "--minutes", "0.05"), "in one second, and 5,000 are allowed"),
        (("opening-day", "--scale", "0"), "too small"),
        (("opening-day", "--budget", "soon"), "'soon' is not a length of time"),
        (("opening-day", "--run", "a b"), "'a b' is no id"),
        (("opening-day", "--workers", "0"), "0 is too small"),
    ],
)
def test_what_cannot_be_run_is_said_and_nothing_is_sent(
    tmp_path: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from loadtests.commands.load import app

    with pytest.raises(BadInput) as caught:
        app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    assert said in str(caught.value)


def against(target: Path) -> tuple[str | Path, ...]:
    return ("load", "opening-day", *SMALL, "--target", target)


def test_a_service_that_nobody_reaches_is_said(tmp_path: Path) -> None:
    path = profile(tmp_path, "http://127.0.0.1:9", "[ready]\ndeadline_s = 0.5\nrequest = 'GET /health'\n")
    code, said, told = ran(tmp_path, *against(path))
    assert code == 3, said + told
    assert "Traceback" not in told
    assert "the service cannot be reached: Connection refused" in told


Refused = Callable[[Path], str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """What the command, called in this process, refuses a run against a target with; it ends with 3."""

    def of(target: Path) -> str:
        monkeypatch.chdir(tmp_path)
        assert cli.main([*map(str, against(target))]) == 3
        return capsys.readouterr().err

    return of


def test_a_host_that_is_not_this_machine_is_refused(tmp_path: Path, refused: Refused) -> None:
    assert "quota.example is not this machine" in refused(profile(tmp_path, "http://quota.example"))


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running("memory", "--cap", "2019=270") as found:
        yield found


def test_a_dirty_service_is_refused_with_how_to_reset_it(
    tmp_path: Path, service: Service, refused: Refused
) -> None:
    assert service.claim("somebody", "k", intake="2019").status == 201
    said = refused(profile(tmp_path, service.url))
    assert "slots taken already: 1 of intake 2019" in said
    assert "start the service again with an empty store" in said


@pytest.mark.long
def test_a_run_against_a_service_that_runs_and_the_cleaning_after_it(
    tmp_path: Path, rush: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.claim("somebody", "k", intake="2019")
    more = 'headers = { X-Pass = "${PASS_FOR_TEST}" }\n'
    path, run = profile(tmp_path, service.url, more), tmp_path / "run"
    monkeypatch.setenv("PASS_FOR_TEST", SECRET)
    code, said, told = ran(
        tmp_path, "load", rush, *SMALL, "--target", path, "--dirty", "--run", "r1", "--out", run
    )
    assert (code, said[:5]) == (0, "VALID"), said + told
    assert not [each for each in run.rglob("*") if each.is_file() and SECRET.encode() in each.read_bytes()]
    assert SECRET not in said + told
    assert service.read("2019")["used"] == 270  # one of which was there before
    assert ran(tmp_path, "load", rush, *SMALL, "--target", path, "--dirty", "--run", "r1")[0] == 3

    [cleaned] = clean(str(path), "r1", folder=run)
    assert (cleaned.released, cleaned.left) == (269, ())
    assert [each["applicant"] for each in service.holders("2019")] == ["somebody"]


@pytest.mark.long
def test_answers_that_no_rule_matches_keep_a_run_from_being_valid(tmp_path: Path, rush: Path) -> None:
    more = """
[[claim]]
request = "POST /quotas/{intake}/claims"
headers = { Idempotency-Key = '"{key}"' }
json = { applicant = "{applicant}", stream = "{stream}", residence = "{residence}", certificate = "{certificate}", letter = "{letter}", complete = "{complete}" }
take = { slot = "json:slot", claim_id = "json:claim_id" }
rules = [{ status = 201, answer = "granted" }]
"""  # noqa: E501
    with running("memory", "--cap", "2019=270") as service:
        path = profile(tmp_path, service.url, more)
        code, said, told = ran(tmp_path, "load", rush, *SMALL, "--target", path, "--quiet")
    assert code == 2, said + told
    assert "answers were not understood: no rule says what was meant" in said


def test_a_disk_that_is_full_is_said(tmp_path: Path, rush: Path) -> None:
    command = f"ulimit -f 60; exec {sys.executable} -m loadtests.cli load {rush} --scale 0.01 --minutes 0.05"
    child = subprocess.run(
        ["bash", "-c", f"{command} --target reference:memory --out {tmp_path / 'run'}"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert child.returncode in (2, 3), child.stdout + child.stderr
    assert "VALID" not in child.stdout.split()[:1]
    assert "File too large" in child.stdout + child.stderr
    assert "Traceback" not in child.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; skipped where nobody may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.long
def test_a_disk_without_room_for_the_history_is_said_before_anything_is_sent(
    tmp_path: Path, rush: Path, small_disk: Path
) -> None:
    run = small_disk / "run"
    code, said, told = ran(
        tmp_path, "load", rush, *SMALL, "--target", "reference:memory", "--out", run, "--workers", "2"
    )
    assert code == 3, said + told
    assert "the history cannot be recorded: No space left on device" in told
    assert "free some room, or give a folder on another disk with --out" in told
    assert "Traceback" not in told
    assert not said
    assert not any(len(each.rows) for each in left_in(run / "history"))
