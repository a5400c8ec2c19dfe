"""Other addresses than loopback: TLS or nothing, people besides the administrator, names that may be called."""

import ssl
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import trustme

from tests.conftest import Installation, Ran, write

PLATFORM = """
name: shop
governance: team
paths: {p: [dev]}
stages: {dev: {tier: dev}}
principals: [{name: data-scientist, kind: person}]
bindings: [{principal: data-scientist, role: DataScientist, scope: /stages/dev}]
"""
BEYOND = "127.0.0.2"  # of this machine, and not the loopback server's


@dataclass(frozen=True, kw_only=True)
class Site:
    """An installation with a person in it, and the files of a certificate authority."""

    installation: Installation
    folder: Path

    def certify(self) -> Path:
        """Write a certificate of a new authority; return the authority's own."""
        authority = trustme.CA()
        made = authority.issue_cert(BEYOND, "ml.example")
        made.private_key_pem.write_to_path(self.folder / "key.pem")
        made.cert_chain_pems[0].write_to_path(self.folder / "cert.pem")
        authority.cert_pem.write_to_path(self.folder / "authority.pem")
        return self.folder / "authority.pem"

    def up(self, *options: str) -> Ran:
        """Start the server with options of the network."""
        return self.installation.bucle("up", "--port", "0", "--network-port", "0", *options)

    @property
    def tls(self) -> tuple[str, ...]:
        """The options that name the certificate."""
        return ("--tls-cert", str(self.folder / "cert.pem"), "--tls-key", str(self.folder / "key.pem"))

    @property
    def address(self) -> str:
        """Where other machines call."""
        return str(self.installation.announced()["network"])


@pytest.fixture(scope="module")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Give an installation whose server is down, with one person in it."""
    folder = tmp_path_factory.mktemp("network")
    made = Site(installation=Installation(home=folder / "home"), folder=folder)
    made.installation.up()
    write(folder / "platform.yml", PLATFORM)
    assert made.installation.bucle("apply", "-f", str(folder / "platform.yml"), "--yes").code == 0
    assert made.installation.bucle("down").code == 0
    return made


@pytest.fixture
def site(peopled: Site) -> Iterator[Site]:
    """Give the installation with a new certificate; its server is down before and after."""
    peopled.certify()
    yield peopled
    peopled.installation.bucle("down")


def caller(authority: Path) -> httpx2.Client:
    """Return a client that trusts one authority."""
    return httpx2.Client(verify=ssl.create_default_context(cafile=authority))


def test_tls_answers_and_says_so(site: Site) -> None:
    """Whoever trusts the authority is answered, told to stay with TLS, and refused under a foreign name."""
    assert site.up("--host", BEYOND, *site.tls).code == 0
    with caller(site.folder / "authority.pem") as client:
        answer = client.get(f"{site.address}/api/v1/health")
        foreign = client.get(f"{site.address}/api/v1/health", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")
    assert foreign.status_code == 421
    with pytest.raises(httpx2.ConnectError, match=r"(?i)certificate"):
        httpx2.get(f"{site.address}/api/v1/health")


def test_command_line_over_tls(site: Site) -> None:
    """A command of another machine works with `--server` and a token, the authority in SSL_CERT_FILE."""
    assert site.up("--host", BEYOND, *site.tls).code == 0
    token = (site.installation.home / "admin-token").read_text().strip()
    known = {"BUCLE_TOKEN": token, "SSL_CERT_FILE": str(site.folder / "authority.pem")}
    assert site.installation.bucle("whoami", "--server", site.address, env=known).code == 0
    unknown = site.installation.bucle("whoami", "--server", site.address, env={"BUCLE_TOKEN": token})
    assert (unknown.code, "certificate" in unknown.err.lower()) == (7, True)


def test_old_protocols_are_refused(site: Site) -> None:
    """A handshake below TLS 1.2 fails; one of 1.2 succeeds."""
    assert site.up("--host", BEYOND, *site.tls).code == 0
    for newest, works in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
        context = ssl.create_default_context(cafile=site.folder / "authority.pem")
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
        assert _shakes_hands(site.address, context) == works


def test_new_certificate_without_restart(site: Site) -> None:
    """A renewed certificate holds from a handshake soon after on; the server is not restarted."""
    assert site.up("--host", BEYOND, *site.tls).code == 0
    before, address = site.installation.pid, site.address

    authority = ssl.create_default_context(cafile=site.certify())

    give_up_at = time.monotonic() + 60
    while not _shakes_hands(address, authority):
        assert time.monotonic() < give_up_at, "the new certificate was never used"
        time.sleep(0.2)
    assert site.installation.pid == before


def test_refusals(site: Site) -> None:
    """Without TLS, without a name, or with no certificate the server does not start, and says what to add: exit 2."""
    nothing = ("--tls-cert", "/dev/null", "--tls-key", "/dev/null")
    cases = [(("--host", BEYOND), "--tls-cert"), (("--host", "0.0.0.0", *site.tls), "--allow-host")]
    for options, told in [*cases, (("--host", BEYOND, *nothing), "PEM")]:
        refused = site.up(*options)
        assert (refused.code, told in refused.err) == (2, True), refused.err
    assert site.up("--host", "0.0.0.0", *site.tls, "--allow-host", "ml.example").code == 0


def test_administrator_alone_stays_on_loopback(installation: Installation, tmp_path: Path) -> None:
    """A new installation, which only its administrator's token opens, is not put on a network: exit 5."""
    lonely = Site(installation=installation, folder=tmp_path)
    lonely.certify()
    refused = lonely.up("--host", BEYOND, *lonely.tls)
    assert (refused.code, "platform.yml" in refused.err) == (5, True)


def test_cookie_over_tls(site: Site) -> None:
    """A session opened over TLS lives in a cookie that is sent over TLS only, to this host only."""
    assert site.up("--host", BEYOND, *site.tls).code == 0
    invited = site.installation.bucle("principal", "invite", "data-scientist", "-o", "json").json()
    form = {"code": invited["code"], "password": "correct horse battery staple"}
    with caller(site.folder / "authority.pem") as client:
        own = {"Origin": site.address, "Sec-Fetch-Site": "same-origin"}
        answer = client.post(f"{site.address}/studio/sign-in:redeem", data=form, headers=own)
        cookie = answer.headers["set-cookie"]
        page = client.get(f"{site.address}/studio/loop")
    assert cookie.startswith("__Host-bucle_session=")
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert (answer.status_code, page.status_code) == (303, 200)


def _shakes_hands(address: str, context: ssl.SSLContext) -> bool:
    with httpx2.Client(verify=context) as client:
        try:
            return client.get(f"{address}/api/v1/health").status_code == 200
        except httpx2.ConnectError:
            return False
