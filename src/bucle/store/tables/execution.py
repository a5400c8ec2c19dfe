"""Tables of execution: jobs, their steps, what waits for what, each attempt; schedules and their firings."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    false,
)

from bucle.store.metadata import METADATA, instant, key, text

job = Table(
    "job",
    METADATA,
    key("id"),
    text("stage"),
    text("name"),
    text("kind"),
    text("display_name"),
    text("experiment"),
    text("state"),
    Column("document", JSON, nullable=False),
    text("document_digest"),
    text("data_class"),
    Column("tags", JSON, nullable=False),
    text("submitted_by"),
    text("submitter_name"),
    Column("cancel_asked", Boolean, nullable=False, server_default=false()),
    Column("keep_going", Boolean, nullable=False, server_default=false()),
    Column("left", Integer, nullable=False),
    instant("created_at"),
    instant("started_at", null=True),
    instant("ended_at", null=True),
    UniqueConstraint("stage", "name"),
    Index("ix_job_listing", "stage", "created_at", "id"),
    Index("ix_job_state", "state"),
)

step = Table(
    "step",
    METADATA,
    key("id"),
    Column("job_id", ForeignKey("job.id"), nullable=False, index=True),
    text("stage"),
    Column("position", Integer, nullable=False),
    text("name"),
    text("kind"),
    text("state"),
    Column("need", Integer, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("max_tries", Integer, nullable=False),
    instant("not_before_at"),
    Column("outputs", JSON),
    UniqueConstraint("job_id", "name"),
    Index("ix_step_ready", "state", "stage", "id"),
)

dependency = Table(
    "dependency",
    METADATA,
    Column("upstream", ForeignKey("step.id"), primary_key=True),
    Column("downstream", ForeignKey("step.id"), primary_key=True, index=True),
)

attempt = Table(
    "attempt",
    METADATA,
    key("id"),
    Column("step_id", ForeignKey("step.id"), nullable=False),
    Column("n", Integer, nullable=False),
    text("state"),
    text("why", null=True),
    text("reason", null=True),
    Column("exit_code", Integer),
    instant("created_at"),
    instant("started_at", null=True),
    instant("ended_at", null=True),
    Column("cpu_s", Float),
    Column("peak_rss_bytes", BigInteger),
    Column("log_bytes", BigInteger),
    UniqueConstraint("step_id", "n"),
    Index("ix_attempt_state", "state"),
)

schedule = Table(
    "schedule",
    METADATA,
    key("id"),
    text("stage"),
    text("name"),
    Column("document", JSON, nullable=False),
    Column("job_document", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False),
    text("principal_id"),
    text("made_by"),
    instant("created_at"),
    instant("considered_at"),
    instant("next_at", null=True),
    UniqueConstraint("stage", "name"),
    Index("ix_schedule_due", "enabled", "next_at"),
)

fire = Table(
    "fire",
    METADATA,
    Column("schedule_id", ForeignKey("schedule.id"), primary_key=True),
    Column("due_at", BigInteger, primary_key=True),
    instant("fired_at"),
    instant("first_missed_at", null=True),
    text("job", null=True),
    text("reason", null=True),
)
