"""What runs first within bubblewrap's walls: it puts up those of `auto`, says so, and becomes user code."""

import array
import json
import os
import socket
from collections.abc import Iterable

from bucle.runtime import isolation, linux
from bucle.runtime.attempt import EXEC_FAILED, Isolation


def main(order: str, channel: str) -> None:
    """Do what the JSON in the descriptor `order` says; complaints go to the socket that is the descriptor `channel`."""
    with socket.socket(fileno=int(channel)) as said:
        linux.hand_on(said.fileno(), over_exec=False)
        reason = "confinement_failed"
        argv: list[str] = []
        try:
            with os.fdopen(int(order), "rb") as stream:
                told = json.loads(stream.read())
            argv = told["argv"]
            os.setsid()  # a signal to user code's group must not end bubblewrap
            listeners = [socket.create_server(("127.0.0.1", port)) for port in told["relayed"]]
            walls = Isolation(
                mode="auto",
                read=tuple(told["read"]),
                write=tuple(told["write"]),
                connect_tcp=tuple(told["connect_tcp"]),
            )
            isolation.confine(walls, own=())
            _say_inside(said, listeners)
            for listener in listeners:
                listener.close()
            reason = "exec_failed"
            os.execvpe(argv[0], argv, told["env"])  # noqa: S606  an argv list is the whole interface
        except BaseException as fault:  # noqa: BLE001  whatever it is, the supervisor must hear of it
            detail = f"cannot start {argv[0] if argv else 'user code'!r}: {fault}"
            said.send(json.dumps({"reason": reason, "detail": detail}).encode())
    os._exit(EXEC_FAILED)


def _say_inside(said: socket.socket, listeners: Iterable[socket.socket]) -> None:
    """Say that the walls stand, and hand out the listeners: whoever accepts from them need not be within."""
    handed = array.array("i", [listener.fileno() for listener in listeners])
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed)] if handed else []
    said.sendmsg([b"{}\n"], rights)
