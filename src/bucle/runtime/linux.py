"""The kernel calls that Python does not wrap: prctl, capabilities, what /proc says of a process."""

import ctypes
import fcntl
import os
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_CAPBSET_DROP = 24
_PR_SET_SECUREBITS = 28
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4

# NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, KEEP_CAPS off, each with its lock (capabilities(7)).
_SECUREBITS_NO_ROOT = 0b11_10_11_11
_CAPABILITY_VERSION_3 = 0x20080522
_OOM_ADJUSTMENT_MOST = 1000
_START_TIME = 19  # field 22 of /proc/PID/stat, counted after "pid (name)"


def library() -> ctypes.CDLL:
    """Return the C library of this process, which keeps `errno`."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, call: str) -> int:
    """Return `result`; OSError with the kernel's errno when it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def _prctl(option: int, first: int = 0, second: int = 0) -> None:
    unsigned = [ctypes.c_ulong(value) for value in (first, second, 0, 0)]
    checked(library().prctl(option, *unsigned), f"prctl({option})")


def die_with_parent(signal_number: int) -> None:
    """Ask for `signal_number` when the thread that forked this process ends; exec keeps the wish."""
    _prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none escapes by daemonising."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def forbid_new_privileges() -> None:
    """Make set-uid bits and file capabilities void for this process and its kin, for ever."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up every capability, for ever; a root process stays root in name and in the files it owns only."""
    if os.geteuid() == 0:
        _prctl(_PR_SET_SECUREBITS, _SECUREBITS_NO_ROOT)
        for capability in range(int(Path("/proc/sys/kernel/cap_last_cap").read_text(encoding="ascii")) + 1):
            _prctl(_PR_CAPBSET_DROP, capability)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    checked(library().capset(header, nothing), "capset")


def volunteer_for_oom(adjustment: int) -> None:
    """Raise this process's chance of being killed when memory runs out, so that supervisors are not."""
    file = Path("/proc/self/oom_score_adj")
    raised = min(int(file.read_text(encoding="ascii")) + adjustment, _OOM_ADJUSTMENT_MOST)
    file.write_text(str(raised), encoding="ascii")


def hand_on(descriptor: int, *, over_exec: bool) -> None:
    """Say whether a descriptor outlives this process's own exec."""
    fcntl.fcntl(descriptor, fcntl.F_SETFD, 0 if over_exec else fcntl.FD_CLOEXEC)


def close_descriptors(*, keep: frozenset[int]) -> None:
    """Close every open descriptor that is not in `keep`."""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor not in keep:
            with suppress(OSError):  # the one that listed the folder is closed already
                os.close(descriptor)


def start_time(pid: int) -> int:
    """Return when `pid` started, in clock ticks since boot; OSError when there is no such process."""
    after_name = Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1]
    return int(after_name.split()[_START_TIME])


def boot_id() -> str:
    """Return the identity of this boot: a pid means nothing after another one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def children() -> tuple[int, ...]:
    """Return the pids of this process's children, zombies included."""
    return tuple(children_of(os.getpid()))


def children_of(pid: int) -> list[int]:
    """Return the pids of a process's children, of all its threads, zombies included; none once it has ended."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  names are all that is wanted
            with suppress(OSError):
                listed = Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii")
                found += [int(child) for child in listed.split()]
    return found
