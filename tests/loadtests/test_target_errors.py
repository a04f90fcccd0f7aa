"""What `quotalab target check` and the harness say of services that cannot be asked, each in words."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.asking import Asker
from loadtests.commands import target as cli_target
from loadtests.loading.plan import Options, plan
from loadtests.profile import Request
from sim.errors import BadInput
from tests.loadtests import front_desk, strange_server
from tests.loadtests.profiled import SMALLEST, target_of


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A service with a certificate that it signed itself."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    files = ["-keyout", folder / "key.pem", "-out", folder / "it.pem"]
    subprocess.run([*command.split(), names, *map(str, files)], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_text((folder / "key.pem").read_text() + (folder / "it.pem").read_text())
    with strange_server.running(both) as address:
        yield address, folder / "it.pem"


def why(folder: Path, address: str, *, path: str = "/claims", more: str = "") -> str | None:
    """Why a request has no answer."""
    target = target_of(folder, SMALLEST.replace("http://127.0.0.1:8080", address) + more)
    asker = Asker(target, timeout_s=2.0)
    try:
        return asker.attempt(Request("GET", path, (), b"")).error
    finally:
        asker.close()


def test_a_certificate_of_its_own_making_is_not_trusted_unless_that_is_said(
    secure: tuple[str, Path], tmp_path: Path
) -> None:
    address, certificate = secure
    said = why(tmp_path, address)
    assert said is not None
    assert said.startswith("its certificate is not trusted: self-signed certificate (tls.ca_file names")
    assert why(tmp_path, address, more=f'\n[tls]\nca_file = "{certificate}"\n') is None
    assert why(tmp_path, address, more="\n[tls]\nverify = false\n") is None


def test_the_wrong_scheme_is_guessed(tmp_path: Path) -> None:
    with front_desk.desk() as (plain, _):
        said = why(tmp_path, plain.replace("http:", "https:"))
    assert said == "it does not speak TLS there; is its address http:// instead of https://?"


def test_certificates_that_cannot_be_read_are_bad_input(secure: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere.pem: tls: the certificates cannot be read: No such file"):
        why(tmp_path, secure[0], more='\n[tls]\nca_file = "nowhere.pem"\n')


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/drop", "the connection was closed without an answer"),
        ("/short", "the answer broke off after 13 bytes"),
        ("/garbage", "what came is no answer of HTTP; is its address https:// instead of http://?"),
        ("/never", "no answer in time"),
    ],
)
def test_an_answer_that_is_none_is_said_in_words(path: str, said: str, tmp_path: Path) -> None:
    with strange_server.running() as address:
        assert why(tmp_path, address, path=path) == said


def test_target_check_says_why_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SMALLEST)
    assert cli_target.check(str(file), base_url="http://127.0.0.1:9") == 2
    said = capsys.readouterr().out
    assert "the service at http://127.0.0.1:9 gave no answer to claim 1: Connection refused" in said


def test_a_list_of_holders_that_is_none_is_bad_input(tmp_path: Path) -> None:
    reading = '\n[readings.holders]\nrequest = "POST /claims"\nentries = "json:all"\napplicant = "json:who"\n'
    with strange_server.running() as address:
        asker = Asker(target_of(tmp_path, SMALLEST.replace("http://127.0.0.1:8080", address) + reading))
        with pytest.raises(BadInput, match="the reading holders has no list at json:all"):
            asker.holders("2022")
        asker.close()


def test_people_who_look_the_same_in_the_list_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    reading = (
        '\n[readings.holders]\nrequest = "GET /c"\napplicant = "json:who"\nshown_as = "{applicant|hash:1}"\n'
    )
    file.write_text(SMALLEST + reading)
    with pytest.raises(BadInput, match="are both listed as"):
        plan(Options("opening-day", target=str(file), scale=0.002, minutes=0.5))
