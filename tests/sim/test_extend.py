"""Going on with a run gives the bytes of asking for everything at once, whatever stopped it before."""

import contextlib
import functools
import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sim import cli, compare, results
from sim.run_folders import extending, provenance
from sim.study import ASSUMED, CHANCE
from sim.studying import binding, influence, keeping, replication
from sim.studying.keeping import FILE, Kept

ROOT = Path(__file__).resolve().parents[2]
PLAIN = "--no-register"
RUN = ("run", "smoke", "--jobs", "1")
COMPARE = (
    "compare",
    "smoke",
    "--policies",
    "lottery,carry-over",
    "--set",
    "demand.multiple=0.6",
    "--jobs",
    "1",
)


def quotalab(*arguments: str) -> int:
    return cli.main([*arguments, "--quiet"])


def contents(path: Path) -> dict[str, str]:
    """File -> SHA-256, the manifest aside."""
    files = sorted(each for each in path.iterdir() if each.name != results.MANIFEST)
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


@pytest.fixture(scope="module", autouse=True)
def few() -> Iterator[None]:
    """Registers and searches of a few replications, in this process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(influence, "REPLICATIONS_OF_FEW", 2)
        patched.setattr(binding, "REPLICATIONS", 3)
        patched.setattr(compare, "BESIDE", 6)
        yield


AtOnce = Callable[..., Path]


@pytest.fixture(scope="module")
def at_once(few: None, tmp_path_factory: pytest.TempPathFactory) -> AtOnce:
    """Studies that were asked for everything at once, by their commands; each is made when it is wanted."""

    @functools.cache
    def made(*command: str) -> Path:
        path = tmp_path_factory.mktemp("at-once") / "run"
        assert quotalab(*command, "--replications", "12", "--out", str(path)) == 0
        return path

    return made


@pytest.mark.parametrize("command", [RUN, COMPARE], ids=["run", "compare"])
def test_an_extended_study_has_the_bytes_of_one_made_at_once(
    command: tuple[str, ...], at_once: AtOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, expected = tmp_path / "run", contents(at_once(*command))
    assert quotalab(*command, "--replications", "5", "--out", str(path)) == 0
    simulated: list[Any] = []
    add = Kept.add
    monkeypatch.setattr(Kept, "add", lambda self, *new: (simulated.append(new[:2]), add(self, *new))[1])
    assert quotalab("extend", str(path), "--replications", "12", "--jobs", "1") == 0
    assert contents(path) == expected
    parts = [(stage, number) for stage, number in simulated if stage in (CHANCE, ASSUMED)]
    assert parts == [(stage, number) for stage in (CHANCE, ASSUMED) for number in range(5, 12)]
    assert min(number for _, number in simulated) == 5, "nothing is repeated"
    stages = {stage for stage, _ in simulated}
    assert not stages & {"influence of each assumption", "demand from which on a cap binds"}
    manifest, _ = results.read(path)
    assert manifest["complete"] is True
    assert [each["replications"] for each in manifest["earlier"]] == [5]


def test_a_study_extended_by_precision_has_the_bytes_of_one_made_at_once(tmp_path: Path) -> None:
    for name, precision in (("at-once", "65%"), ("extended", "90%")):
        assert quotalab(*COMPARE, PLAIN, "--precision", precision, "--out", str(tmp_path / name)) == 0
    first = results.read(tmp_path / "extended")[1]
    assert quotalab("extend", str(tmp_path / "extended"), "--precision", "65%", "--jobs", "1") == 0
    last = results.read(tmp_path / "extended")[1]
    assert first is not None
    assert last is not None
    assert 10 < first["replications"] < last["replications"], "the example should need more"
    assert contents(tmp_path / "extended") == contents(tmp_path / "at-once")


def test_people_row_by_row_come_and_go_with_the_question(tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert quotalab(*RUN, PLAIN, "--replications", "2", "--out", str(path)) == 0
    assert (path / "applicants.parquet").exists(), "of two replications people are written"
    (path / results.PAGE).write_text("the page of two replications")
    assert quotalab("extend", str(path), "--replications", "3", "--jobs", "1") == 0
    assert not (path / "applicants.parquet").exists(), "of three they are not"
    assert not (path / results.PAGE).exists(), "a page that shows less than there is"


WAITS = """
import contextlib, pathlib, sys, time
import sim.cli

folder, stage, answers = sys.argv[1:4]

@contextlib.contextmanager
def told(*, shown):
    def progress(label, done, total):
        if (label, done) == (stage, int(answers)):
            pathlib.Path(folder, "waits").touch()
            while not pathlib.Path(folder, "sent").exists():
                time.sleep(0.01)
    yield progress

sim.cli.progress = told
raise SystemExit(sim.cli.main(sys.argv[4:]))
"""


def stopped(how: signal.Signals, path: Path, at: tuple[str, int], *command: str) -> str:
    """A real study in a process of its own signalled when a stage has so many answers; its stderr."""
    folder = path.parent
    with (folder / "err").open("w") as err, (folder / "out").open("w") as out:
        child = subprocess.Popen(
            [sys.executable, "-c", WAITS, str(folder), at[0], str(at[1]), *command, "--out", str(path)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # without a terminal, and its workers can be ended with it
        )
    try:
        deadline = time.monotonic() + 90
        while not (folder / "waits").exists():
            assert child.poll() is None, (folder / "err").read_text()
            assert time.monotonic() < deadline, "nothing was finished"
            time.sleep(0.01)
        child.send_signal(how)
        (folder / "sent").touch()
        child.wait(60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    assert child.returncode == (0 if how == signal.SIGINT else -how)
    return (folder / "err").read_text()


STOPS = [
    pytest.param(signal.SIGINT, (*RUN, PLAIN), CHANCE, id="run-ctrl-c"),
    pytest.param(signal.SIGKILL, (*COMPARE, PLAIN), CHANCE, id="compare-kill"),
    pytest.param(signal.SIGKILL, (*RUN, PLAIN), ASSUMED, id="run-kill", marks=pytest.mark.long),
    pytest.param(signal.SIGINT, (*COMPARE, PLAIN), CHANCE, id="compare-ctrl-c", marks=pytest.mark.long),
]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(("how", "command", "stage"), STOPS)
def test_a_study_that_was_stopped_is_continued_to_the_same_bytes(
    how: signal.Signals, command: tuple[str, ...], stage: str, at_once: AtOnce, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    said = stopped(how, path, (stage, 4), *command, "--replications", "12")
    assert "Traceback" not in said
    manifest, summary = results.read(path)
    assert manifest["complete"] is False
    there = len(keeping.answers(path, CHANCE))
    assert there == (4 if stage == CHANCE else 12)
    if how == signal.SIGINT:  # a readable part
        assert summary is not None
        assert summary["complete"] is False
        assert summary["replications"] == there
    assert quotalab("extend", str(path), "--jobs", "1") == 0
    assert contents(path) == contents(at_once(*command))
    assert results.read(path)[0]["complete"] is True


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_study_whose_workers_were_stopped_is_continued_to_the_same_bytes(
    how: signal.Signals, tmp_path: Path
) -> None:
    command = ("run", "imp-plus", PLAIN, "--replications", "80", "--jobs", "2")
    assert quotalab(*command, "--out", str(tmp_path / "at-once")) == 0
    said = stopped(how, tmp_path / "run", (CHANCE, 10), *command)
    assert "Traceback" not in said
    assert 10 <= len(keeping.answers(tmp_path / "run", CHANCE)) < 80  # what is under way is finished
    assert quotalab("extend", str(tmp_path / "run"), "--jobs", "2") == 0
    assert contents(tmp_path / "run") == contents(tmp_path / "at-once")


def test_a_line_torn_by_a_kill_is_made_again(at_once: AtOnce, tmp_path: Path) -> None:
    path = tmp_path / "run"
    assert quotalab(*RUN, PLAIN, "--replications", "5", "--out", str(path)) == 0
    torn = gzip.compress(b'["replications",5,[{"grants":1.0},{},0.0]]\n')[:-12]
    with (path / FILE).open("ab") as file:
        file.write(torn)
    manifest = json.loads((path / "manifest.json").read_text("utf-8"))
    (path / "manifest.json").write_text(json.dumps(manifest | {"complete": False, "files": {}}))
    assert len(keeping.answers(path, CHANCE)) == 5
    assert quotalab("extend", str(path), "--replications", "12", "--jobs", "1") == 0
    assert contents(path) == contents(at_once(*RUN, PLAIN))


def test_an_interrupted_extension_leaves_the_former_result(
    at_once: AtOnce,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "run"
    assert quotalab(*RUN, PLAIN, "--replications", "5", "--out", str(path)) == 0
    before = contents(path)
    measured, made = extending.making.study.measured, []

    def interrupted(*arguments: Any) -> Any:
        made.append(arguments)
        if len(made) > 2:
            raise KeyboardInterrupt
        return measured(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(extending.making.study, "measured", interrupted)
        assert quotalab("extend", str(path), "--replications", "12", "--jobs", "1") == 0
    assert "interrupted" in capsys.readouterr().err
    after = contents(path)
    assert after.pop(FILE) != before.pop(FILE)
    assert after == before
    assert len(keeping.answers(path, CHANCE)) == 7
    assert results.read(path)[0]["complete"] is False
    assert quotalab("extend", str(path), "--jobs", "1") == 0
    assert contents(path) == contents(at_once(*RUN, PLAIN))


@pytest.fixture
def small(at_once: AtOnce, tmp_path: Path) -> Path:
    """A small run of 12 replications, for a test to do with as it likes."""
    return Path(shutil.copytree(at_once(*RUN, PLAIN), tmp_path / "run"))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert quotalab("extend", *arguments) == cli.USAGE
    return capsys.readouterr().err


def test_fewer_than_there_are_is_refused_and_changes_nothing(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(small), (small / "manifest.json").read_text("utf-8")
    assert "fewer than the 12 that are there" in refused(capsys, str(small), "--replications", "5")
    assert "12 replications are there, and 10 would do" in refused(capsys, str(small), "--precision", "99%")
    assert (contents(small), (small / "manifest.json").read_text("utf-8")) == before
    assert quotalab("extend", str(small)) == 0
    assert "nothing to add" in capsys.readouterr().err
    assert (contents(small), (small / "manifest.json").read_text("utf-8")) == before


@pytest.mark.parametrize("name", ["scenario.toml", FILE, "replications.parquet"])
def test_a_folder_that_somebody_changed_is_refused(
    small: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (small / name).open("ab") as file:
        file.write(b"\n")
    assert f"{name} is not what the run wrote" in refused(capsys, str(small), "--replications", "13")


def test_another_code_is_refused_only_if_it_gives_other_bits(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "model_digest", lambda: "another")
    measured = replication.measured

    def other(*arguments: Any) -> Any:
        found = measured(*arguments)
        return found._replace(measures=found.measures | {"grants": found.measures["grants"] + 1.0})

    with monkeypatch.context() as patched:
        patched.setattr(extending, "measured", other)
        said = refused(capsys, str(small), "--replications", "13", "--jobs", "1")
    assert "replication 0 comes out otherwise than it did: grants was " in said
    assert "the code of the simulation was changed" in said
    assert results.read(small)[0]["complete"] is True, "the run is left as it is"
    assert quotalab("extend", str(small), "--replications", "13", "--jobs", "1") == 0


def test_a_version_that_moved_is_named(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = results.read(small)[0]
    assert extending.differences(manifest) == []
    manifest["versions"]["numpy"] = "1.0"
    assert [each[:21] for each in extending.differences(manifest)] == ["numpy 1.0 became " + "2.4."[:4]]


def test_two_at_once_are_refused(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fcntl", reason="the system has no such locks")
    with Kept(small):
        assert "another process is still working" in refused(capsys, str(small), "--replications", "13")


def test_a_run_that_kept_nothing_is_refused(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = results.read(small)[0]
    del manifest["model_sha256"]
    (small / "manifest.json").write_text(json.dumps(manifest))
    assert "kept nothing to go on from" in refused(capsys, str(small))
