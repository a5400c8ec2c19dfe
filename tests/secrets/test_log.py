"""The server's own log: no credential gets into it, in a message, its arguments or a traceback."""

import io
import json
import logging

from bucle.access.credentials import make_credential
from bucle.server.log import as_line


def test_credentials_stay_out_of_the_log() -> None:
    """Everything else is written as it was said."""
    token = make_credential("bcl").text
    written = io.StringIO()
    door = logging.StreamHandler(written)
    door.addFilter(as_line)
    log = logging.getLogger("of this test")
    log.propagate = False
    log.addHandler(door)
    log.warning("asked with %s by %s", token, "somebody")
    try:
        int(token)
    except ValueError:
        log.exception("it failed")
    asked, failed = (json.loads(line) for line in written.getvalue().splitlines())
    assert token not in written.getvalue()
    assert (asked["message"], failed["message"]) == ("asked with *** by somebody", "it failed")
    assert failed["fault"].endswith("invalid literal for int() with base 10: '***'")
