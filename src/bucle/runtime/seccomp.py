"""The system call filter that closes what Landlock leaves open: MPTCP and TCP Fast Open pass its TCP rule.

Seen on Linux 6.18 with Landlock ABI 7: `socket(…, IPPROTO_MPTCP)` then `connect`, and `sendto(MSG_FASTOPEN)`,
both reach a port that no rule lists. New user namespaces are refused too, and io_uring, whose requests no
filter sees. The program format is seccomp(2)'s classic BPF.
"""

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bucle.runtime.linux import checked, library

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENTS = 0, 4, 16

_MSG_FASTOPEN = 0x20000000
_CLONE_NEWUSER = 0x10000000
_FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink
_PROTOCOLS = (0, 1, 6, 15, 16, 17, 58)  # default, ICMP, TCP, two of netlink, UDP, ICMPv6
_IO_URING_SETUP, _CLONE3 = 425, 435  # the same on every architecture
_X32_BIT = 0x40000000

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Machine:
    audit: int
    socket: int
    sendto: int
    sendmsg: int
    sendmmsg: int
    clone: int
    unshare: int
    setns: int


_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E, socket=41, sendto=44, sendmsg=46, sendmmsg=307, clone=56, unshare=272, setns=308
    ),
    "aarch64": _Machine(
        audit=0xC00000B7, socket=198, sendto=206, sendmsg=211, sendmmsg=269, clone=220, unshare=97, setns=268
    ),
}


def filter_known() -> bool:
    """Return whether this machine's system call numbers are in our table."""
    return platform.machine() in _MACHINES


def restrict_calls() -> None:
    """Filter the system calls of this process and its kin, for ever. Needs no_new_privs."""
    install(_program(_MACHINES[platform.machine()]))


def install(steps: Iterable[Instruction]) -> None:
    """Hand the kernel a filter: instructions as (code, jump if true, jump if false, operand)."""
    program = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))
    result = library().prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), header)
    checked(result, "prctl(PR_SET_SECCOMP)")


def _program(machine: _Machine) -> list[Instruction]:
    foreign = _fail(errno.ENOSYS)
    steps = [(_LOAD, 0, 0, _OFFSET_ARCHITECTURE), (_IF_EQUAL, 1, 0, machine.audit), foreign]
    steps += [(_LOAD, 0, 0, _OFFSET_NUMBER), (_IF_AT_LEAST, 0, 1, _X32_BIT), foreign]
    steps += _when(machine.socket, [*_unless(0, _FAMILIES), _fail(errno.EAFNOSUPPORT)])
    steps += _when(machine.socket, [*_unless(2, _PROTOCOLS), _fail(errno.EPROTONOSUPPORT)])
    for number, flags in ((machine.sendto, 3), (machine.sendmsg, 2), (machine.sendmmsg, 3)):
        steps += _when(number, [*_if_bit(flags, _MSG_FASTOPEN), _fail(errno.EOPNOTSUPP)])
    for number in (machine.clone, machine.unshare):
        steps += _when(number, [*_if_bit(0, _CLONE_NEWUSER), _fail(errno.EPERM)])
    steps += _when(machine.setns, [_fail(errno.EPERM)])
    # The C library falls back from clone3, whose flags lie in memory that no filter reads, to clone.
    for number in (_CLONE3, _IO_URING_SETUP):
        steps += _when(number, [_fail(errno.ENOSYS)])
    return [*steps, (_RETURN, 0, 0, _ALLOW)]


def _when(number: int, body: Sequence[Instruction]) -> list[Instruction]:
    return [(_LOAD, 0, 0, _OFFSET_NUMBER), (_IF_EQUAL, 0, len(body), number), *body]


def _unless(argument: int, values: Sequence[int]) -> list[Instruction]:
    """Pass over the next instruction when the argument is one of `values`."""
    tests = [(_IF_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [(_LOAD, 0, 0, _OFFSET_ARGUMENTS + 8 * argument), *tests]


def _if_bit(argument: int, bit: int) -> list[Instruction]:
    """Pass over the next instruction when the argument lacks `bit`."""
    return [(_LOAD, 0, 0, _OFFSET_ARGUMENTS + 8 * argument), (_IF_ANY_BIT, 0, 1, bit)]


def _fail(number: int) -> Instruction:
    return (_RETURN, 0, 0, _FAIL | number)
