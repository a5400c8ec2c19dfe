"""Tables of release: packagings, releases, promotions, approvals, gates of stages, the ledger."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from bucle.store.metadata import METADATA, instant, key, text

packaging = Table(
    "packaging",
    METADATA,
    key("id"),
    text("stage"),
    text("name"),
    text("version"),
    text("state"),
    text("reason", null=True),
    Column("ground", JSON, nullable=False),
    text("job"),
    text("principal_id"),
    text("principal_name"),
    instant("created_at"),
    UniqueConstraint("stage", "name", "version"),
    Index("ix_packaging_state", "state"),
)

release = Table(
    "release",
    METADATA,
    key("id"),
    Column("alias", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),
    text("stage"),
    text("name"),
    text("version"),
    text("workspace"),
    Column("manifest", JSON, nullable=False),
    Column("evaluation", JSON, nullable=False),
    Column("profile", JSON, nullable=False),
    Column("sample", JSON, nullable=False),
    text("author_id"),
    instant("created_at"),
    text("statement", null=True),
    UniqueConstraint("stage", "name", "version"),
)

gate = Table(
    "gate",
    METADATA,
    key("stage"),
    Column("document", JSON, nullable=False),
    text("digest"),
    instant("changed_at"),
)

promotion = Table(
    "promotion",
    METADATA,
    key("name"),
    Column("release_id", ForeignKey("release.id"), nullable=False, index=True),
    text("source"),
    text("stage"),
    text("endpoint"),
    text("deployment"),
    text("state"),
    text("reason", null=True),
    Column("plan", JSON, nullable=False),
    text("plan_digest"),
    Column("entry", JSON, nullable=False),
    text("entry_digest"),
    Column("standing", JSON),
    Column("rollout", JSON, nullable=False),
    text("requester_id"),
    text("executor_id", null=True),
    Column("revision", Integer, nullable=False),
    instant("created_at"),
    instant("ended_at", null=True),
    Index("ix_promotion_state", "state"),
    Index("ix_promotion_stage", "stage", "created_at"),
)

approval = Table(
    "approval",
    METADATA,
    key("id"),
    Column("promotion", ForeignKey("promotion.name"), nullable=False, index=True),
    text("verdict"),
    text("approver_id"),
    text("person_id"),
    text("release_digest"),
    text("plan_digest"),
    text("entry_digest"),
    Column("acknowledged", JSON, nullable=False),
    text("comment", null=True),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", null=True),
    text("statement", null=True),
    UniqueConstraint("promotion", "person_id"),
)

ledger = Table(
    "ledger",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    text("stage"),
    text("endpoint"),
    Column("release_id", ForeignKey("release.id"), nullable=False),
    text("deployment"),
    text("promotion"),
    text("why"),
    instant("from_at"),
    Index("ix_ledger_endpoint", "stage", "endpoint", "seq"),
)

comparison = Table(
    "comparison",
    METADATA,
    text("champion"),
    text("candidate"),
    text("rows"),
    Column("document", JSON, nullable=False),
    instant("compared_at"),
    PrimaryKeyConstraint("champion", "candidate"),
)
