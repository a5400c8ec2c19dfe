"""Tables of serving: endpoints, their deployments, the generation of the routing table."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, Table, UniqueConstraint

from bucle.store.metadata import METADATA, instant, key, text

endpoint = Table(
    "endpoint",
    METADATA,
    key("id"),
    text("stage"),
    text("name"),
    Column("document", JSON, nullable=False),
    Column("traffic", JSON, nullable=False),
    Column("traffic_revision", Integer, nullable=False),
    text("primary_nonce"),
    text("secondary_nonce"),
    text("made_by"),
    instant("created_at"),
    UniqueConstraint("stage", "name"),
)

deployment = Table(
    "deployment",
    METADATA,
    key("id"),
    Column("endpoint_id", ForeignKey("endpoint.id"), nullable=False, index=True),
    text("name"),
    text("release_digest"),
    text("model_digest"),
    text("environment"),
    Column("document", JSON, nullable=False),
    Column("pass_through", JSON, nullable=False),
    text("event_time", null=True),
    Column("settings", JSON, nullable=False),
    text("state"),
    text("reason", null=True),
    text("made_by"),
    instant("created_at"),
    UniqueConstraint("endpoint_id", "name"),
)

routing = Table(
    "routing",
    METADATA,
    key("id"),
    Column("generation", BigInteger, nullable=False),
)
