"""What the server writes about itself: never a token, session or invitation, whatever was going on."""

import logging

from bucle.execution.redaction import redacted

FORMATTER = logging.Formatter()


def without_credentials(record: logging.LogRecord) -> bool:
    """Replace every credential in what a record says; keep the record."""
    record.msg, record.args = redacted(record.getMessage()), None
    if record.exc_info:
        record.exc_text = redacted(FORMATTER.formatException(record.exc_info))
    return True
