"""What the server writes about itself: one JSON object a line, never a token, session or invitation, never too much.

Fields: `at` (RFC 3339, UTC), `level`, `logger`, `message`; `request_id` where a request was answered, `fault` where
something unforeseen was met.
"""

import json
import logging
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from bucle.execution.redaction import redacted
from bucle.store.instants import to_text

FORMATTER = logging.Formatter()
LARGEST_BYTES = 16 << 20
OLDER_FILES = 4
QUIET = ("httpx2", "alembic")
"""Libraries that tell of what they do as they should: each request that is sent, each migration."""


def write_to(file: Path, largest_bytes: int = LARGEST_BYTES) -> None:
    """Have this process log to a file that is put aside when it is full: `server.log.1` is the one before it."""
    handler = RotatingFileHandler(file, maxBytes=largest_bytes, backupCount=OLDER_FILES, encoding="utf-8")
    handler.addFilter(as_line)
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def as_line(record: logging.LogRecord) -> bool:
    """Make what a record says its JSON line, every credential in it replaced; keep the record."""
    told = {
        "at": to_text(datetime.fromtimestamp(record.created, UTC)),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }
    request_id = getattr(record, "request_id", None)
    if request_id is not None:
        told["request_id"] = request_id
    if record.exc_info:
        told["fault"] = FORMATTER.formatException(record.exc_info)
    record.msg, record.args = redacted(json.dumps(told, separators=(",", ":"), ensure_ascii=False)), None
    record.exc_info = record.exc_text = record.stack_info = None
    return True
