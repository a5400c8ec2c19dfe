"""Tables of tracking: experiments, runs, what was logged on them, artifacts, logged models, the runs of jobs."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table, UniqueConstraint

from bucle.store.metadata import METADATA, instant, key, text

experiment = Table(
    "experiment",
    METADATA,
    Column("id", Integer, primary_key=True),
    text("stage"),
    text("name"),
    text("lifecycle"),
    instant("created_at"),
    instant("updated_at"),
    UniqueConstraint("stage", "name"),
)

experiment_tag = Table(
    "experiment_tag",
    METADATA,
    Column("experiment_id", ForeignKey("experiment.id"), primary_key=True),
    key("key"),
    text("value"),
)

run = Table(
    "run",
    METADATA,
    key("id"),
    Column("experiment_id", ForeignKey("experiment.id"), nullable=False),
    text("stage"),
    text("job", null=True),
    text("name"),
    text("user_id"),
    text("status"),
    text("lifecycle"),
    text("data_class"),
    text("artifact_root"),
    instant("started_at"),
    instant("ended_at", null=True),
    Index("ix_run_listing", "experiment_id", "lifecycle", "started_at"),
    Index("ix_run_job", "stage", "job"),
)

metric = Table(
    "metric",
    METADATA,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    key("key"),
    Column("logged_at", BigInteger, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("value", Float, primary_key=True),
    Column("is_nan", Boolean, primary_key=True),
)

latest_metric = Table(
    "latest_metric",
    METADATA,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    key("key"),
    Column("value", Float, nullable=False),
    Column("is_nan", Boolean, nullable=False),
    Column("step", BigInteger, nullable=False),
    instant("logged_at"),
    Index("ix_latest_metric_value", "key", "value", "run_id"),
)

parameter = Table(
    "parameter",
    METADATA,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    key("key"),
    text("value"),
)

run_tag = Table(
    "run_tag",
    METADATA,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    key("key"),
    text("value"),
)

dataset_input = Table(
    "dataset_input",
    METADATA,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    key("name"),
    key("digest"),
    text("context", null=True),
    Column("document", JSON, nullable=False),
)

artifact = Table(
    "artifact",
    METADATA,
    key("owner"),
    key("path"),
    text("digest"),
    Column("size", BigInteger, nullable=False),
    instant("placed_at"),
)

logged_model = Table(
    "logged_model",
    METADATA,
    key("id"),
    Column("experiment_id", ForeignKey("experiment.id"), nullable=False, index=True),
    text("stage"),
    text("job", null=True),
    text("name"),
    text("type"),
    text("source_run_id"),
    text("status"),
    text("data_class"),
    text("artifact_root"),
    Column("tags", JSON, nullable=False),
    Column("parameters", JSON, nullable=False),
    instant("created_at"),
    instant("updated_at"),
    instant("deleted_at", null=True),
)

model_metric = Table(
    "model_metric",
    METADATA,
    Column("model_id", ForeignKey("logged_model.id"), primary_key=True),
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    key("key"),
    Column("logged_at", BigInteger, primary_key=True),
    Column("step", BigInteger, primary_key=True),
    Column("value", Float, nullable=False),
    Column("is_nan", Boolean, nullable=False),
    text("dataset_name", null=True),
    text("dataset_digest", null=True),
)

run_model = Table(
    "run_model",
    METADATA,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    key("direction"),
    Column("model_id", ForeignKey("logged_model.id"), primary_key=True),
    Column("step", BigInteger, nullable=False),
)

job_run = Table(
    "job_run",
    METADATA,
    Column("run_id", ForeignKey("run.id"), primary_key=True),
    text("stage"),
    text("job"),
    text("attempt_id", null=True),
    text("token_id", null=True),
    instant("settled_at", null=True),
    UniqueConstraint("attempt_id"),
    Index("ix_job_run_open", "settled_at"),
    Index("ix_job_run_job", "stage", "job"),
)
