"""Tables of assets: datastores, versions of data, models, environments and components, lineage edges."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Table, UniqueConstraint, false

from bucle.store.metadata import METADATA, instant, key, text

datastore = Table(
    "datastore",
    METADATA,
    key("id"),
    text("stage"),
    text("name"),
    text("type"),
    text("path"),
    text("data_class"),
    Column("is_default", Boolean, nullable=False, server_default=false()),
    instant("created_at"),
    UniqueConstraint("stage", "name"),
)

asset = Table(
    "asset",
    METADATA,
    key("id"),
    text("scope"),
    text("kind"),
    text("name"),
    text("version"),
    text("type"),
    text("digest"),
    text("data_class"),
    Column("size", BigInteger, nullable=False),
    Column("document", JSON, nullable=False),
    text("made_by"),
    instant("created_at"),
    instant("archived_at", null=True),
    UniqueConstraint("scope", "kind", "name", "version"),
    Index("ix_asset_listing", "scope", "kind", "name", "created_at"),
)

edge = Table(
    "edge",
    METADATA,
    key("upstream"),
    key("downstream"),
    key("relation"),
    instant("created_at"),
    Index("ix_edge_downstream", "downstream"),
)
