"""A study on a Dask cluster: real scheduler, real worker processes, the bytes of one made here."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim import cli
from sim.run_folders import provenance
from sim.study import CHANCE
from sim.studying import blocks, cluster, keeping
from tests.sim.test_extend import contents, quotalab, stopped

ROOT = Path(__file__).resolve().parents[2]
distributed = pytest.importorskip("distributed", reason="needs the extra `cluster`")


class Cluster:
    """A scheduler and its workers, each a process of its own, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.file, self.log = folder / "scheduler.json", folder / "log"
        self.processes = [self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
        deadline = time.monotonic() + 60
        while not self.file.exists():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]

    def _start(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"distributed.cli.dask_{what}",
                    "--scheduler-file",
                    self.file,
                    *options,
                ],
                cwd=self.log.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def worker(self) -> subprocess.Popen[bytes]:
        options = ("--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        self.processes.append(self._start("worker", *options))
        return self.processes[-1]

    def wait_for(self, workers: int) -> None:
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=90)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    folder = tmp_path / "dask"
    folder.mkdir()
    made = Cluster(folder)
    try:
        yield made
    finally:
        for process in made.processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait(20)


@pytest.mark.long
@pytest.mark.parametrize("command", [("run", "imp-plus"), ("compare", "imp-plus", "--policies", "lottery")])
def test_a_study_that_loses_a_worker_ends_with_the_same_bytes(
    command: tuple[str, ...], dask: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (*command, "--replications", "30", "--no-register")
    assert quotalab(*command, "--jobs", "1", "--out", str(tmp_path / "here")) == 0
    workers = [dask.worker(), dask.worker()]
    dask.wait_for(2)
    killed: list[int] = []

    @contextlib.contextmanager
    def told(*, shown: bool) -> Iterator[Any]:
        def progress(label: str, done: int, total: int) -> None:
            if (label, done) == (CHANCE, 8):
                workers[0].send_signal(signal.SIGKILL)
                killed.append(workers[0].wait(20))

        yield progress

    monkeypatch.setattr(cli, "progress", told)
    monkeypatch.setattr("sim.commands.compare.progress", told)
    monkeypatch.setattr(blocks, "BLOCK_S", 0.05)
    arguments = ("--backend", "dask", "--scheduler", dask.address, "--out", str(tmp_path / "there"))
    assert quotalab(*command, *arguments) == 0
    assert killed == [-signal.SIGKILL]
    assert workers[1].poll() is None
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


@pytest.mark.long
def test_ctrl_c_on_a_cluster_of_this_machine_leaves_what_can_be_continued(tmp_path: Path) -> None:
    command = ("run", "imp-plus", "--no-register", "--replications", "30")
    assert quotalab(*command, "--jobs", "1", "--out", str(tmp_path / "at-once")) == 0
    arguments = ("--backend", "dask", "--jobs", "2")
    said = stopped(signal.SIGINT, tmp_path / "run", (CHANCE, 8), *command, *arguments)
    assert "Traceback" not in said
    assert 8 <= len(keeping.answers(tmp_path / "run", CHANCE)) < 30
    assert quotalab("extend", str(tmp_path / "run"), *arguments) == 0
    assert contents(tmp_path / "run") == contents(tmp_path / "at-once")


def test_a_scheduler_that_does_not_answer_is_said_before_a_folder_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "REACHED_S", 0.3)
    out = tmp_path / "run"
    arguments = ("--backend", "dask", "--scheduler", "tcp://127.0.0.1:1", "--out", str(out))
    assert quotalab("run", "smoke", *arguments) == cli.USAGE
    said = capsys.readouterr().err
    assert "no scheduler answers at tcp://127.0.0.1:1" in said
    assert "dask scheduler" in said
    assert not out.exists()


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert quotalab("run", "smoke", "--backend", "dask") == cli.USAGE
    assert 'pip install "quotalab[cluster]"' in capsys.readouterr().err


def test_only_a_cluster_has_a_scheduler(capsys: pytest.CaptureFixture[str]) -> None:
    assert quotalab("run", "smoke", "--scheduler", "tcp://127.0.0.1:1") == cli.USAGE
    assert "add --backend dask" in capsys.readouterr().err


class Answering:
    """A client whose workers answer what they are told to; the real one is in the long tests."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers

    def wait_for_workers(self, count: int, timeout: float) -> None:
        if not self.answers:
            raise TimeoutError

    def run(self, call: Any, on_error: str) -> dict[str, Any]:
        return self.answers


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"a": provenance.computes() | {"quotalab": "0.0.1"}}, "the worker a has quotalab 0.0.1, here "),
        ({"a": provenance.computes() | {"model": "beef"}}, "the worker a has model beef, here "),
        ({"a": provenance.computes(), "b": ModuleNotFoundError("sim")}, "the worker b cannot run quotalab"),
        ({}, "the cluster has no worker"),
    ],
)
def test_a_worker_that_might_give_other_bits_is_refused(answers: dict[str, Any], said: str) -> None:
    with pytest.raises(cli.BadInput, match=said):
        cluster._check_workers(Answering(answers), "tcp://here")


@pytest.mark.long
def test_a_real_worker_of_another_version_is_refused(
    dask: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dask.worker()
    dask.wait_for(1)
    monkeypatch.setattr(provenance, "version", lambda: "9.9")  # here; the worker has the real one
    arguments = ("--backend", "dask", "--scheduler", dask.address, "--out", str(tmp_path / "run"))
    assert quotalab("run", "smoke", *arguments) == cli.USAGE
    assert "has quotalab " in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
