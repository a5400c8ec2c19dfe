"""Tables of the store itself: event chains, their heads, answers kept for idempotency keys, servers, who drives."""

from sqlalchemy import JSON, Column, Integer, PrimaryKeyConstraint, Table

from bucle.store.metadata import METADATA, instant, key, text

event = Table(
    "event",
    METADATA,
    text("chain"),
    Column("seq", Integer, nullable=False),
    instant("at"),
    text("who"),
    text("via"),
    text("what"),
    text("subject"),
    Column("before", JSON),
    Column("after", JSON),
    text("request_id", null=True),
    text("previous"),
    text("digest"),
    PrimaryKeyConstraint("chain", "seq"),
)

chain_head = Table(
    "chain_head",
    METADATA,
    text("chain"),
    Column("seq", Integer, nullable=False),
    text("digest"),
    PrimaryKeyConstraint("chain"),
)

answer = Table(
    "answer",
    METADATA,
    text("who"),
    text("key"),
    text("request_digest"),
    Column("body", JSON, nullable=False),
    instant("created_at"),
    PrimaryKeyConstraint("who", "key"),
)

lease = Table(
    "lease",
    METADATA,
    key("name"),
    text("node"),
    Column("epoch", Integer, nullable=False),
    instant("renewed_at"),
)

server = Table(
    "server",
    METADATA,
    key("id"),
    text("folder"),
    text("machine"),
    text("place"),
    instant("expires_at"),
)

MACHINERY = (lease, server)
"""Who works on the records: rows of the moment, which are neither copied nor compared."""
