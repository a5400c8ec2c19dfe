"""Settings: where this installation lives and how it is reached. The only module that reads environment variables."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATE_FOLDER = ".bucle"
API_PORT = 8760
SCORING_PORT = 8761
LEASE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The state folder (0700): records, objects, datastores, attempts, environments, gateway, log."""

    root: Path

    @property
    def records(self) -> Path:
        """The SQLite file of the records."""
        return self.root / "records.db"

    @property
    def records_address(self) -> Path:
        """Where the records are kept when not in that file (0600: it may hold a password)."""
        return self.root / "records-address"

    @property
    def objects(self) -> Path:
        """Content-addressed bytes, one folder a workspace."""
        return self.root / "objects"

    @property
    def datastores(self) -> Path:
        """Datastores that `platform.yml` gives no path of their own."""
        return self.root / "datastores"

    @property
    def mirror(self) -> Path:
        """Copies of files on the network, declared by who runs this host."""
        return self.root / "mirror.yml"

    @property
    def attempts(self) -> Path:
        """One folder an attempt of a step."""
        return self.root / "attempts"

    @property
    def environments(self) -> Path:
        """Locks and built virtual environments."""
        return self.root / "environments"

    @property
    def gateway(self) -> Path:
        """What server and gateway say to each other: `routes.json`, `applied.json`, segments."""
        return self.root / "gateway"

    @property
    def log(self) -> Path:
        """Logs of the processes of the platform."""
        return self.root / "log"

    @property
    def server_log(self) -> Path:
        """What the server writes about itself, one JSON object a line."""
        return self.log / "server.log"

    @property
    def start_log(self) -> Path:
        """What the process of the last `bucle up` printed: why it did not start, if it did not."""
        return self.log / "start.log"

    @property
    def heads(self) -> Path:
        """Where the server appends the signed heads of the event chains."""
        return self.log / "audit-heads.jsonl"

    @property
    def lock(self) -> Path:
        """The file whose lock a server holds for life: alone, or with others of the same database."""
        return self.root / "server.lock"

    @property
    def server(self) -> Path:
        """Where a running server says how it is reached."""
        return self.root / "server.json"

    @property
    def servers(self) -> Path:
        """One file for each running server, locked for its life, with what it says of itself."""
        return self.root / "servers"

    @property
    def driver(self) -> Path:
        """Which of the servers drives, and where it is woken."""
        return self.servers / "driver.json"

    @property
    def keys(self) -> Path:
        """The key file (0600): pepper of tokens, key of page tokens."""
        return self.root / "keys.json"

    @property
    def secret_keys(self) -> Path:
        """The keys that secrets are sealed under (0600)."""
        return self.root / "secret-keys.json"

    @property
    def signing_keys(self) -> Path:
        """The private keys that the platform signs with (0600)."""
        return self.root / "signing-keys.json"

    @property
    def trusted_keys(self) -> Path:
        """The public keys that signatures are held against; the supervisors of workers read it too."""
        return self.root / "trusted-keys.json"

    @property
    def upgrades(self) -> Path:
        """Snapshots of the records as they were before each upgrade."""
        return self.root / "upgrades"

    @property
    def upgrade_mark(self) -> Path:
        """What says that an upgrade is under way, or was when its process was killed."""
        return self.upgrades / "under-way.json"

    @property
    def admin_token(self) -> Path:
        """The token of the bootstrap administrator (0600)."""
        return self.root / "admin-token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """A server that runs on a state folder; it has no address until it is ready."""

    id: str
    pid: int
    host: str
    address: str | None
    network: str | None
    drives: bool
    upgraded: str | None = None
    """Where the records lie as they were before its start upgraded them."""


def living_servers(home: Home) -> Sequence[Living]:
    """Return the servers that run on a state folder, the one that drives first, then by their ids."""
    driver = _document(home.driver).get("id")
    found = [
        Living(
            id=file.stem,
            pid=int(said.get("pid", 0)),
            host=str(said.get("host", "")),
            address=said.get("address"),
            network=said.get("network"),
            drives=file.stem == driver,
            upgraded=said.get("upgraded"),
        )
        for file in _held(home.servers)
        if (said := _document(file))
    ]
    return sorted(found, key=lambda one: (not one.drives, one.id))


def _held(folder: Path) -> Iterator[Path]:
    for file in folder.glob("*.lock"):
        with suppress(FileNotFoundError), file.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                yield file


def _document(file: Path) -> Mapping[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(file.read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


def lease_s() -> float | None:
    """Return how long a server of a database may be silent before another takes its place (`BUCLE_LEASE_S`).

    None: what is there is no time of a second or more.
    """
    try:
        given = float(os.environ.get("BUCLE_LEASE_S") or LEASE_S)
    except ValueError:
        return None
    return given if 1.0 <= given < float("inf") else None


def open_to_others(file: Path | int) -> bool:
    """Return whether anybody but its owner has a right to a file, by its path or descriptor."""
    found = os.fstat(file) if isinstance(file, int) else file.stat()
    return bool(found.st_mode & 0o077)


def find_home(given: str | None, start: Path | None = None) -> Home:
    """Return the state folder: the given one, `BUCLE_HOME`, the nearest `.bucle/` upwards, else `./.bucle`."""
    named = given or os.environ.get("BUCLE_HOME")
    if named:
        return Home(root=Path(named).resolve())
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / STATE_FOLDER).is_dir():
            return Home(root=folder / STATE_FOLDER)
    return Home(root=here / STATE_FOLDER)


def records_address() -> str | None:
    """Return the address of records that a server was started with (`BUCLE_RECORDS`), or None.

    It comes by the environment and not as an argument: it may hold a password, and arguments are seen by everybody.
    """
    return os.environ.get("BUCLE_RECORDS") or None


def secrets_keys() -> tuple[str, ...]:
    """Return the key of secrets given by the environment, in base64, and the one before it; none: they lie in a file.

    `BUCLE_SECRETS_KEY` seals; `BUCLE_SECRETS_KEY_BEFORE` only opens, until everything was sealed again.
    """
    given = [os.environ.get(name) or "" for name in ("BUCLE_SECRETS_KEY", "BUCLE_SECRETS_KEY_BEFORE")]
    return tuple(text for text in given if text) if given[0] else ()


def with_records(address: str | None) -> Mapping[str, str]:
    """Return the environment of a server process whose records are to be kept at `address`; None: where they are."""
    return {**os.environ, **({} if address is None else {"BUCLE_RECORDS": address})}


def server_address(given: str | None) -> str | None:
    """Return the address a client was told to use (`--server`, else `BUCLE_SERVER`), or None."""
    return given or os.environ.get("BUCLE_SERVER") or None


def client_token() -> str | None:
    """Return the token of `BUCLE_TOKEN`, or None."""
    return os.environ.get("BUCLE_TOKEN") or None


def client_authority() -> str | None:
    """Return the certificate authority's PEM file of `SSL_CERT_FILE`, or None: the system's authorities."""
    return os.environ.get("SSL_CERT_FILE") or None


def default_stage(given: str | None) -> str:
    """Return the stage a verb means when none is named: the given one, `BUCLE_STAGE`, else `dev`."""
    return given or os.environ.get("BUCLE_STAGE") or "dev"


def colour_wanted() -> bool:
    """Return whether the person has not asked for plain text (https://no-color.org)."""
    return "NO_COLOR" not in os.environ


def user_folder() -> Path:
    """Return the folder of a person's own sign-ins (`XDG_STATE_HOME/bucle`, else `~/.local/state/bucle`)."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "bucle"


def package_index() -> Mapping[str, str]:
    """Return the settings of this host that an environment build needs to reach its one index.

    The builder reads uv's words; where only pip's are set, its index is meant. No setting of a second index is here.
    """
    names = (
        "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    )  # fmt: skip
    found = {name: os.environ[name] for name in names if name in os.environ}
    if "PIP_INDEX_URL" in found and not found.keys() & {"UV_INDEX_URL", "UV_DEFAULT_INDEX"}:
        found["UV_DEFAULT_INDEX"] = found["PIP_INDEX_URL"]
    return found


def search_path() -> str:
    """Return where programs are looked for (`PATH`)."""
    return os.environ.get("PATH", os.defpath)


def interpreter_folders() -> Sequence[Path]:
    """Return where pyenv keeps interpreters, whose shims in `PATH` run the selected one only."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return sorted(root.glob("versions/*/bin"))
