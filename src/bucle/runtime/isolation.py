"""Isolation: the walls round user code, checked by its supervisor, put up by the process that becomes it."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bucle.runtime import landlock, linux, seccomp
from bucle.runtime.attempt import ATTEMPT_VARIABLE, Isolation, Reason

_OOM_ADJUSTMENT = 500
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# What programs need of any system. /etc is named file by file: a root job without capabilities still owns
# /etc/shadow and /etc/ssl/private.
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin")
SYSTEM_PREFIXES = tuple(f"{path}/" for path in SYSTEM)
SETTINGS = (
    "/etc/ca-certificates",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/passwd",
    "/etc/group",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/fonts",
)
KERNEL = ("/proc", "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
SHARED_MEMORY = "/dev/shm"  # noqa: S108  the name of the mount, not a temporary file


class RefusedError(Exception):
    """User code was not started; `reason` is what exit.json says, `detail` one line for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


def check(isolation: Isolation, *, sealed: Iterable[str]) -> int:
    """Return the Landlock version that will confine user code (0: none asked); RefusedError when it cannot.

    `sealed` paths may not lie under, or be, what user code may write: nor may anything it is given to read.
    """
    for path in (*isolation.read, *isolation.write):
        if not Path(path).is_absolute() or not Path(path).exists():
            raise RefusedError("path_missing", f"{path} does not exist on this host")
    for path in (*sealed, *isolation.read):
        for writable in isolation.write:
            if _within(path, writable):
                raise RefusedError("paths_overlap", f"{path} must stay read-only but lies in {writable}")
    if isolation.mode == "none":
        return 0
    abi = landlock.landlock_abi()
    if abi == 0 or not seccomp.filter_known():
        raise RefusedError("isolation_unavailable", "this host has no Landlock to confine the job")
    if isolation.mode == "strict":
        bubblewrap()
    return abi


def bubblewrap() -> str:
    """Return where bubblewrap lies on this host; RefusedError where it has none."""
    found = shutil.which("bwrap", path=PATH)
    if found is None:
        raise RefusedError("isolation_unavailable", "strict isolation needs bubblewrap, and this host has none")
    return found


def environment(given: Mapping[str, str], *, home: str, temporary: str, attempt: str) -> dict[str, str]:
    """Return all that user code finds in its environment: nothing of ours is inherited."""
    fixed = {"HOME": home, "TMPDIR": temporary, ATTEMPT_VARIABLE: attempt}
    return {"PATH": PATH, "LANG": "C.UTF-8", **given, **fixed}


def confine(isolation: Isolation, *, own: Iterable[str]) -> None:
    """Put the walls up round this process and its kin, for ever; OSError when the kernel refuses.

    `own` are further writable folders. The caller has closed what must not be inherited: descriptors that
    are open keep their rights.
    """
    linux.volunteer_for_oom(_OOM_ADJUSTMENT)
    linux.drop_capabilities()
    linux.forbid_new_privileges()
    if isolation.mode != "none":
        landlock.restrict(_grants(isolation, own), connect_tcp=isolation.connect_tcp)
        seccomp.restrict_calls()


def _grants(isolation: Isolation, own: Iterable[str]) -> Iterator[tuple[str, int]]:
    yield from ((path, landlock.READ) for path in isolation.read)
    yield from ((path, landlock.WRITE) for path in (*isolation.write, *own))
    offered = (
        (SYSTEM, landlock.READ),
        ((*SETTINGS, *KERNEL), landlock.LOOK),
        (_DEVICES, landlock.DEVICE),
        ((SHARED_MEMORY,), landlock.WRITE),
    )
    for paths, rights in offered:
        yield from ((path, rights) for path in paths if Path(path).exists())


def _within(path: str, folder: str) -> bool:
    return Path(path).resolve().is_relative_to(Path(folder).resolve())
