"""Tables of monitoring: what was scored, its labels, the watermarks, what each closed window said, open incidents."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, false

from bucle.store.metadata import METADATA, instant, key, text

segment = Table("segment", METADATA, key("name"), instant("folded_at"), Column("rows", Integer, nullable=False))

scored = Table(
    "scored",
    METADATA,
    text("stage"),
    text("endpoint"),
    text("correlation_id"),
    text("request_id"),
    text("deployment"),
    text("release"),
    instant("accepted_at"),
    instant("event_at", null=True),
    Column("columns", JSON, nullable=False),
    Column("prediction", JSON, nullable=False),
    PrimaryKeyConstraint("stage", "endpoint", "correlation_id"),
    Index("ix_scored_event", "stage", "endpoint", "event_at"),
    Index("ix_scored_request", "request_id"),
)

label = Table(
    "label",
    METADATA,
    text("stage"),
    text("endpoint"),
    text("correlation_id"),
    Column("value", JSON, nullable=False),
    instant("labelled_at", null=True),
    instant("received_at"),
    Column("contradictions", Integer, nullable=False),
    PrimaryKeyConstraint("stage", "endpoint", "correlation_id"),
    Index("ix_label_received", "stage", "endpoint", "received_at"),
)

watermark = Table(
    "watermark",
    METADATA,
    text("stage"),
    text("endpoint"),
    instant("stated_at"),
    text("stated_by"),
    PrimaryKeyConstraint("stage", "endpoint"),
)

finding = Table(
    "finding",
    METADATA,
    text("stage"),
    text("endpoint"),
    text("signal"),
    instant("window_start_at"),
    instant("window_end_at"),
    text("release"),
    text("verdict"),
    Column("document", JSON, nullable=False),
    Column("labelled", Integer, nullable=False),
    instant("judged_at"),
    PrimaryKeyConstraint("stage", "endpoint", "signal", "window_start_at"),
)

incident = Table(
    "incident",
    METADATA,
    key("id"),
    text("stage"),
    text("endpoint"),
    text("signal"),
    instant("window_end_at"),
    Column("document", JSON, nullable=False),
    instant("opened_at"),
    Column("closed", Boolean, nullable=False, server_default=false()),
    text("answered_by", null=True),
    Index("ix_incident_open", "stage", "endpoint", "closed"),
)

retraining = Table(
    "retraining",
    METADATA,
    key("id"),
    text("stage"),
    text("endpoint"),
    text("state"),
    text("reason", null=True),
    text("why"),
    instant("window_start_at"),
    instant("window_end_at"),
    instant("holdout_end_at"),
    Column("document", JSON, nullable=False),
    instant("created_at"),
    Index("ix_retraining_state", "state"),
)
