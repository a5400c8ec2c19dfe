"""Attempts: what the server orders of a supervisor, what a supervisor reports back, and both as JSON."""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

Mode = Literal["auto", "strict", "none"]
Reach = Literal["this_host", "any_host"]
Why = Literal["ok", "failed", "timeout", "canceled"]
Reason = Literal[
    "spec_invalid",
    "secrets_missing",
    "not_attested",
    "path_missing",
    "paths_overlap",
    "code_changed",
    "isolation_unavailable",
    "confinement_failed",
    "exec_failed",
    "memory_exceeded",
    "processes_exceeded",
]
DEFAULT_LOG_LIMIT_BYTES = 64 << 20
EXEC_FAILED = 127  # the exit status of a process that was to become user code and could not
LISTENER = 3  # the descriptor of the socket that user code may be given to listen on
ATTEMPT_VARIABLE = "BUCLE_ATTEMPT"  # in the environment of user code: its attempt's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What user code may touch beside the system: paths to read and run, paths to write, TCP ports to call.

    `auto` is Landlock on top of what every attempt gets; `strict` adds a file tree, processes and a network of
    its own (bubblewrap); `none` leaves both out. Where a mode cannot be had, the attempt fails. Within `strict`
    the ports of `this_host` are relayed one by one; `any_host` shares the host's network, for Landlock knows
    ports and not hosts.
    """

    mode: Mode
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    connect_tcp: tuple[int, ...] = ()
    reach: Reach = "this_host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What user code may take; None leaves the host's.

    The first five are kernel limits of each process, of which `processes` counts all that run as this user.
    `tree_bytes` and `tree_tasks` are the memory, and the processes with their threads, of the whole attempt: its
    supervisor watches them, and ends an attempt that exceeds one.
    """

    address_space_bytes: int | None = None
    file_size_bytes: int | None = None
    cpu_s: int | None = None
    open_files: int | None = None
    processes: int | None = None
    tree_bytes: int | None = None
    tree_tasks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A file or folder and the `sha256:…` it must have just before user code starts."""

    path: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """The signed statement (DSSE) that a model of this digest is a release's, and the file of keys to believe."""

    envelope: str
    keys: str
    model_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSpec:
    """One try of one step: what to run, where, how long, within which walls. Paths are absolute.

    `listen` names an abstract unix socket that user code finds bound, as the descriptor `LISTENER`: it
    lies in the host's network, wherever user code does.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    isolation: Isolation
    timeout_s: float | None = None
    grace_s: float = 10.0
    limits: Limits = Limits()
    verify: tuple[Verified, ...] = ()
    log_limit_bytes: int = DEFAULT_LOG_LIMIT_BYTES
    umask: int = 0o077
    listen: str | None = None
    sealed: tuple[str, ...] = ()
    """Variables whose values are secrets: they come beside the order, and no file holds them."""
    attested: Attested | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Who runs an attempt. `supervisor_start` is field 22 of /proc/PID/stat: a pid alone proves nothing.

    `user_pid` is None until user code runs; `landlock_abi` is 0 where user code is not confined by Landlock.
    """

    supervisor_pid: int
    supervisor_start: int
    boot_id: str
    user_pid: int | None
    landlock_abi: int
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How an attempt ended.

    `rc` is negative for a signal and None when user code never started; `reason` and `detail` say why not.
    `cpu_s` sums all processes; `max_rss_bytes` is the largest single one (10 MB at least: the fork's own).
    """

    why: Why
    rc: int | None
    reason: Reason | None
    detail: str | None
    started_at: datetime
    ended_at: datetime
    cpu_s: float
    max_rss_bytes: int
    log_bytes: int
    log_dropped_bytes: int
    processes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """A supervisor holds the attempt; `run` is None for the moment before it has said who it is."""

    run: Run | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A supervisor claimed the attempt and died without a report: `reap` what it left, then try anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclaimed:
    """No supervisor ever took the attempt: spawning it again is safe."""


Probe = Exit | Alive | Lost | Unclaimed


def encode(value: AttemptSpec | Run | Exit) -> bytes:
    """Return `value` as one JSON document; instants as RFC 3339 in UTC."""
    return json.dumps(asdict(value), default=_instant_text, sort_keys=True).encode() + b"\n"


def decode_spec(document: bytes) -> AttemptSpec:
    """Return the order that `document` holds; ValueError names the first field at fault."""
    found = _members(_with_later_fields(json.loads(document)), "document", AttemptSpec)
    isolation = _members(found["isolation"], "isolation", Isolation)
    return AttemptSpec(
        argv=_filled(_texts(found["argv"], "argv"), "argv"),
        env=_environment(found["env"]),
        cwd=_text(found["cwd"], "cwd"),
        isolation=Isolation(
            mode=_choice(isolation["mode"], "isolation.mode", Mode),
            read=_texts(isolation["read"], "isolation.read"),
            write=_texts(isolation["write"], "isolation.write"),
            connect_tcp=_ports(isolation["connect_tcp"]),
            reach=_choice(isolation["reach"], "isolation.reach", Reach),
        ),
        timeout_s=_optional(found["timeout_s"], "timeout_s", _seconds),
        grace_s=_seconds(found["grace_s"], "grace_s"),
        limits=_limits(found["limits"]),
        verify=tuple(_verified(row) for row in _list(found["verify"], "verify")),
        log_limit_bytes=_count(found["log_limit_bytes"], "log_limit_bytes"),
        umask=_count(found["umask"], "umask"),
        listen=_optional(found["listen"], "listen", _text),
        sealed=_texts(found["sealed"], "sealed"),
        attested=_optional(found["attested"], "attested", _attested),
    )


def decode_run(document: bytes) -> Run:
    """Return who runs an attempt; ValueError when the document is cut short or foreign."""
    found = _object(document, Run)
    return Run(
        supervisor_pid=_count(found["supervisor_pid"], "supervisor_pid"),
        supervisor_start=_count(found["supervisor_start"], "supervisor_start"),
        boot_id=_text(found["boot_id"], "boot_id"),
        user_pid=_optional(found["user_pid"], "user_pid", _count),
        landlock_abi=_count(found["landlock_abi"], "landlock_abi"),
        started_at=_instant(found["started_at"], "started_at"),
    )


def decode_exit(document: bytes) -> Exit:
    """Return how an attempt ended; ValueError when the document is cut short or foreign."""
    found = _object(document, Exit)
    return Exit(
        why=_choice(found["why"], "why", Why),
        rc=_optional(found["rc"], "rc", _integer),
        reason=_optional(found["reason"], "reason", lambda value, name: _choice(value, name, Reason)),
        detail=_optional(found["detail"], "detail", _text),
        started_at=_instant(found["started_at"], "started_at"),
        ended_at=_instant(found["ended_at"], "ended_at"),
        cpu_s=_seconds(found["cpu_s"], "cpu_s"),
        max_rss_bytes=_count(found["max_rss_bytes"], "max_rss_bytes"),
        log_bytes=_count(found["log_bytes"], "log_bytes"),
        log_dropped_bytes=_count(found["log_dropped_bytes"], "log_dropped_bytes"),
        processes_left=_count(found["processes_left"], "processes_left"),
    )


def _instant_text(value: object) -> str:
    assert isinstance(value, datetime), value
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _object(document: bytes, kind: type) -> dict[str, Any]:
    return _members(json.loads(document), "document", kind)


def _with_later_fields(document: object) -> object:
    """Return an order as it would be written now: a keeper adopts workers that an older bucle ordered."""
    return {"sealed": [], "attested": None, **document} if isinstance(document, dict) else document


def _members(value: object, name: str, kind: type) -> dict[str, Any]:
    """Return the members of an object; where `kind` has a default one may be missing, as older writers left it."""
    known = {field.name: field.default for field in fields(kind)}
    optional = {one: _plain(default) for one, default in known.items() if default is not MISSING}
    if not isinstance(value, dict) or not known.keys() - optional.keys() <= set(value) <= known.keys():
        raise ValueError(f"{name} must hold {', '.join(sorted(known))} and nothing else")
    return {**optional, **value}


def _plain(default: Any) -> Any:
    """Return a default as JSON has it."""
    if is_dataclass(default) and not isinstance(default, type):
        return asdict(default)
    return list(default) if isinstance(default, tuple) else default


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list")  # noqa: TRY004  one error for every fault of a document
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{name} must be text without NUL")
    return value


def _texts(value: object, name: str) -> tuple[str, ...]:
    return tuple(_text(item, name) for item in _list(value, name))


def _filled(value: tuple[str, ...], name: str) -> tuple[str, ...]:
    if not value or not value[0]:
        raise ValueError(f"{name} must not be empty")
    return value


def _environment(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(key and "=" not in key and "\0" not in key for key in value):
        raise ValueError("env must map names without '=' to text")
    return {key: _text(item, f"env.{key}") for key, item in value.items()}


def _integer(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number")  # noqa: TRY004  as in _list
    return value


def _count(value: object, name: str) -> int:
    number = _integer(value, name)
    if not 0 <= number < 1 << 63:
        raise ValueError(f"{name} must be between 0 and 2^63")
    return number


def _seconds(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e10:
        raise ValueError(f"{name} must be seconds, 0 or more")
    return float(value)


def _instant(value: object, name: str) -> datetime:
    instant = datetime.fromisoformat(_text(value, name))
    if instant.tzinfo is None:
        raise ValueError(f"{name} must carry its offset")
    return instant.astimezone(UTC)


def _ports(value: object) -> tuple[int, ...]:
    ports = tuple(_integer(item, "isolation.connect_tcp") for item in _list(value, "isolation.connect_tcp"))
    if not all(1 <= port <= 0xFFFF for port in ports):
        raise ValueError("isolation.connect_tcp must hold ports from 1 to 65535")
    return ports


def _limits(value: object) -> Limits:
    found = _members(value, "limits", Limits)
    return Limits(**{name: _optional(item, f"limits.{name}", _count) for name, item in found.items()})


def _verified(value: object) -> Verified:
    found = _members(value, "verify", Verified)
    return Verified(path=_text(found["path"], "verify.path"), digest=_text(found["digest"], "verify.digest"))


def _attested(value: object, name: str) -> Attested:
    found = _members(value, name, Attested)
    return Attested(**{field: _text(text, f"{name}.{field}") for field, text in found.items()})


def _choice(value: object, name: str, choices: Any) -> Any:
    if value not in get_args(choices):
        raise ValueError(f"{name} must be one of {', '.join(get_args(choices))}")
    return value


def _optional(value: object, name: str, decode: Callable[[object, str], Any]) -> Any:
    return None if value is None else decode(value, name)
