"""Words of the server's life: up, down, locks, ports."""

TEXTS: dict[str, tuple[str, str]] = {
    "server.second": (
        "another server (process {pid}) already runs on {home}",
        "use it (`bucle status`), or stop it with `bucle down`",
    ),
    "server.starting": (
        "another server has been starting on {home} for too long",
        "see its `log/start.log`; stop its process if it hangs",
    ),
    "server.bad_lease": ("BUCLE_LEASE_S is no time", "give seconds, 1 or more; without it a lease lasts 30"),
    "server.moved": ("the records of {home} were moved while this server started", "start it again"),
    "server.no_such": ("no server {id} runs here on {home}", "see `bucle status`"),
    "server.port_taken": (
        "port {port} of {host} is taken",
        "choose another with `--port`, or `--port 0` for any",
    ),
    "server.not_running": ("no server runs on {home}", "start it with `bucle up`"),
    "server.unreachable": (
        "the server at {address} does not answer ({why})",
        "see `bucle status` and `bucle doctor`",
    ),
    "server.did_not_start": ("the server did not start: {why}", "run `bucle doctor`; what it printed is in {log}"),
    "server.process_failed": ("the process of {act} ended without a word: {why}", "run it again; report it to us"),
    "server.home_not_writable": (
        "the state folder {home} cannot be written: {why}",
        "choose another with `--home`",
    ),
    "server.keys_missing": (
        "the records in {where} were begun with another key file than this state folder's, which has none",
        "bring {keys} from the state folder they were begun with: it opens their tokens and endpoint keys",
    ),
    "server.needs_tls": (
        "{host} is an address of the network: without TLS its callers' tokens would be read on the way",
        "add `--tls-cert FILE --tls-key FILE`, or stay on loopback behind a proxy that speaks TLS",
    ),
    "server.needs_a_name": (
        "{host} is every address of this machine: by which names may callers call it?",
        "add `--allow-host NAME`, once for each name in its certificate",
    ),
    "server.needs_principals": (
        "nobody but the bootstrap administrator can sign in: his token is not for a network",
        "on loopback first: name people and their roles in platform.yml, `bucle apply`, `bucle principal invite NAME`",
    ),
    "server.bad_certificate": (
        "the certificate {certificate} and its key cannot be used: {why}",
        "give PEM files that belong together, readable by the server's user",
    ),
    "server.unguarded_route": (
        "the route {path} names no permission that exists ({permission})",
        "give it exactly one",
    ),
}
