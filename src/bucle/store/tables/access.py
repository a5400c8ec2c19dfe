"""Tables of access: stages, paths, computes, principals, groups, bindings, ways in, the policy, marks of files."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, Table, Text, UniqueConstraint, false

from bucle.store.metadata import METADATA, instant, key, text

stage = Table(
    "stage",
    METADATA,
    key("name"),
    text("tier"),
    Column("workspace", Text, nullable=False, unique=True),
    text("default_compute", null=True),
    Column("slots", Integer),
    instant("created_at"),
)

compute = Table(
    "compute",
    METADATA,
    key("name"),
    text("type"),
    Column("slots", Integer, nullable=False),
    text("stage", null=True),
)

path = Table(
    "path",
    METADATA,
    key("name"),
    Column("stages", JSON, nullable=False),
)

principal = Table(
    "principal",
    METADATA,
    key("id"),
    Column("name", Text, nullable=False, unique=True),
    text("kind"),
    text("person_id"),
    instant("created_at"),
    instant("disabled_at", null=True),
    text("password", null=True),
)

binding = Table(
    "binding",
    METADATA,
    key("id"),
    Column("principal_id", ForeignKey("principal.id"), nullable=False, index=True),
    text("role"),
    text("scope"),
    text("made_by"),
    instant("created_at"),
    instant("expires_at", null=True),
    UniqueConstraint("principal_id", "role", "scope"),
)

membership = Table(
    "membership",
    METADATA,
    Column("group_id", ForeignKey("principal.id"), primary_key=True),
    Column("member_id", ForeignKey("principal.id"), primary_key=True),
    text("made_by"),
    instant("created_at"),
)

token = Table(
    "token",
    METADATA,
    key("id"),
    Column("principal_id", ForeignKey("principal.id"), nullable=False, index=True),
    text("purpose"),
    text("secret_hmac"),
    Column("scopes", JSON),
    instant("created_at"),
    instant("expires_at"),
    instant("last_used_at", null=True),
    instant("revoked_at", null=True),
)

session = Table(
    "session",
    METADATA,
    key("id"),
    Column("principal_id", ForeignKey("principal.id"), nullable=False, index=True),
    text("secret_hmac"),
    instant("created_at"),
    instant("seen_at"),
    instant("revoked_at", null=True),
)

invitation = Table(
    "invitation",
    METADATA,
    key("id"),
    Column("principal_id", ForeignKey("principal.id"), nullable=False, index=True),
    text("inviter"),
    text("code_hmac"),
    instant("created_at"),
    instant("expires_at"),
    instant("used_at", null=True),
)

policy = Table(
    "policy",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),
    text("name"),
    text("governance"),
    text("isolation"),
    text("layout", default="separate"),
    text("allow_model_code"),
    text("default_registry", null=True),
    text("bootstrap_id"),
    text("retention_attempts", null=True),
    text("retention_logs", null=True),
    text("retention_scored_rows", null=True),
    Column("bootstrap_retired", Boolean, nullable=False, server_default=false()),
    Column("registries", JSON, nullable=False),
    Column("custom_roles", JSON, nullable=False),
    Column("owners", JSON, nullable=False),
    Column("prices", JSON, nullable=False),
)

managed = Table(
    "managed",
    METADATA,
    key("kind"),
    key("name"),
    instant("made_at"),
)

secret = Table(
    "secret",
    METADATA,
    key("stage"),
    key("name"),
    Column("version", Integer, nullable=False),
    text("key_id", null=True),
    text("wrapped_key", null=True),
    text("sealed", null=True),
    text("set_by"),
    instant("set_at"),
)
