"""Landlock: the kernel's list of what a process may open, call and signal; see userspace-api/landlock."""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable

from bucle.runtime.linux import checked, library

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_QUESTION = 1
_RULE_PATH, _RULE_PORT = 1, 2
_NEWEST_ABI = 7

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = (1 << bit for bit in range(4))
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_FILE_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16, 6: 16, 7: 16}  # how many bits each version knows
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE

_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2
_ABI_WITH_TCP, _ABI_WITH_SCOPES = 4, 6

READ = _EXECUTE | _READ_FILE | _READ_DIR
LOOK = _READ_FILE | _READ_DIR
WRITE = ((1 << 15) - 1) & ~(_MAKE_CHAR | _MAKE_BLOCK)
DEVICE = _READ_FILE | _WRITE_FILE | _TRUNCATE | _IOCTL_DEVICE


def landlock_abi() -> int:
    """Return the Landlock version that this kernel speaks, 0 when it has none or it is switched off."""
    found = library().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_QUESTION))
    return max(0, min(int(found), _NEWEST_ABI))


def restrict(grants: Iterable[tuple[str, int]], *, connect_tcp: Iterable[int]) -> None:
    """Confine this process and its kin, for ever, to `grants` (path, rights) and TCP calls to these ports.

    Every right the kernel knows and nobody granted is refused. Binding a TCP port is refused outright: a job
    that took the port of a server which is down would be told its callers' tokens. Signals and abstract
    sockets reach the sandbox only. Needs no_new_privs; OSError when a path is missing or the kernel refuses.
    """
    abi = landlock_abi()
    handled = (1 << _FILE_RIGHTS_OF_ABI[abi]) - 1 if abi else 0
    ruleset = _create(abi, handled)
    try:
        for path, rights in grants:
            _allow_path(ruleset, path, rights & handled)
        if abi >= _ABI_WITH_TCP:
            for port in connect_tcp:
                _add(ruleset, _RULE_PORT, struct.pack("=QQ", _CONNECT_TCP, port))
        checked(library().syscall(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0)), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _create(abi: int, handled: int) -> int:
    attributes = struct.pack("=Q", handled)
    if abi >= _ABI_WITH_TCP:
        attributes += struct.pack("=Q", _BIND_TCP | _CONNECT_TCP)
    if abi >= _ABI_WITH_SCOPES:
        attributes += struct.pack("=Q", _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS)
    size = ctypes.c_size_t(len(attributes))
    made = library().syscall(_CREATE_RULESET, attributes, size, ctypes.c_uint32(0))
    return checked(made, "landlock_create_ruleset")


def _allow_path(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _ON_FILES
        _add(ruleset, _RULE_PATH, struct.pack("=Qi", rights, descriptor))
    finally:
        os.close(descriptor)


def _add(ruleset: int, kind: int, attributes: bytes) -> None:
    added = library().syscall(_ADD_RULE, ruleset, kind, attributes, ctypes.c_uint32(0))
    checked(added, "landlock_add_rule")
