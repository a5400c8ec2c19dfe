"""Words of the server's life: up, down, locks, ports."""

TEXTS: dict[str, tuple[str, str]] = {
    "server.second": (
        "another server (process {pid}) already runs on {home}",
        "use it (`bucle status`), or stop it with `bucle down`",
    ),
    "server.port_taken": (
        "port {port} of {host} is taken",
        "choose another with `--port`, or `--port 0` for any",
    ),
    "server.not_running": ("no server runs on {home}", "start it with `bucle up`"),
    "server.unreachable": (
        "the server at {address} does not answer ({why})",
        "see `bucle status` and `bucle doctor`",
    ),
    "server.did_not_start": ("the server did not start: {why}", "see {log}"),
    "server.home_not_writable": (
        "the state folder {home} cannot be written: {why}",
        "choose another with `--home`",
    ),
    "server.keys_missing": (
        "the records in {where} were begun with another key file than this state folder's, which has none",
        "bring {keys} from the state folder they were begun with: it opens their tokens and endpoint keys",
    ),
    "server.unguarded_route": (
        "the route {path} names no permission that exists ({permission})",
        "give it exactly one",
    ),
}
