"""The server's own log: no credential gets into it, in a message, its arguments or a traceback."""

import io
import logging

from bucle.access.credentials import make_credential
from bucle.server.log import without_credentials


def test_credentials_stay_out_of_the_log() -> None:
    """Everything else is written as it was said."""
    token = make_credential("bcl").text
    written = io.StringIO()
    door = logging.StreamHandler(written)
    door.addFilter(without_credentials)
    log = logging.getLogger("of this test")
    log.propagate = False
    log.addHandler(door)
    log.warning("asked with %s by %s", token, "somebody")
    try:
        int(token)
    except ValueError:
        log.exception("it failed")
    lines = written.getvalue()
    assert token not in lines
    assert lines.startswith("asked with *** by somebody\nit failed\nTraceback")
    assert lines.endswith("invalid literal for int() with base 10: '***'\n")
