"""Owns the schedule: when a job starts by itself."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from bucle.spec.automl_job import NodeOfAutoml
from bucle.spec.command_job import CommandJob
from bucle.spec.execution_settings import AssetTags, Properties
from bucle.spec.inputs import JobInputs, JobOutputs
from bucle.spec.pipeline_job import PipelineJob, PipelineSettings
from bucle.spec.scalars import Count, Flag, Name, Text, Whole
from bucle.spec.section import ByForm, File, Section, form_of, type_of
from bucle.spec.spark import SparkJob
from bucle.spec.sweep_job import SweepJob

WeekDay = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WholeOrList = Annotated[Annotated[Whole, Tag("<single>")] | Annotated[list[Whole], Tag("<list>")], ByForm]
DayOrList = Annotated[Annotated[WeekDay, Tag("<single>")] | Annotated[list[WeekDay], Tag("<list>")], ByForm]


class CronTrigger(Section):
    """A cron expression, read in `time_zone` (UTC unless it says otherwise)."""

    type: Literal["cron"]
    expression: Text
    start_time: Text | None = None
    end_time: Text | None = None
    time_zone: Text | None = None


class RecurrencePattern(Section):
    """At which hours, minutes and days a recurrence falls."""

    hours: WholeOrList
    minutes: WholeOrList
    week_days: DayOrList | None = None
    month_days: WholeOrList | None = None


class RecurrenceTrigger(Section):
    """Every `interval` minutes, hours, days, weeks or months."""

    type: Literal["recurrence"]
    frequency: Literal["minute", "hour", "day", "week", "month"]
    interval: Count
    schedule: RecurrencePattern | None = None
    start_time: Text | None = None
    end_time: Text | None = None
    time_zone: Text | None = None


Trigger = Annotated[CronTrigger | RecurrenceTrigger, Field(discriminator="type")]


class JobWithSettings(Section):
    """A job named by reference, with what this schedule changes in it."""

    type: Text | None = None
    job: Annotated[Annotated[Text, Tag("<single>")] | Annotated["ScheduledJob", Tag("<mapping>")], ByForm]
    inputs: JobInputs | None = None
    outputs: JobOutputs | None = None
    settings: PipelineSettings | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    display_name: Text | None = None
    description: Text | None = None
    experiment_name: Text | None = None
    compute: Text | None = None


def form_of_job(value: object) -> str | None:
    """Return which kind of job this mapping is."""
    return type_of(value) or "<command>"


def form_of_created_job(value: object) -> str | None:
    """Return what `create_job` holds: a reference, a reference with settings, or a job."""
    form = form_of(value)
    if form != "<mapping>":
        return form
    if isinstance(value, dict):
        in_place = "job" not in value and not value.keys().isdisjoint({"command", "jobs", "component"})
        return "<job>" if in_place else "<settings>"
    return "<settings>" if isinstance(value, JobWithSettings) else "<job>"


ScheduledJob = Annotated[
    Annotated[CommandJob, Tag("<command>")]
    | Annotated[PipelineJob, Tag("<pipeline>")]
    | Annotated[SweepJob, Tag("<sweep>")]
    | Annotated[SparkJob, Tag("<spark>")]
    | Annotated[NodeOfAutoml, Tag("<automl>")],
    Discriminator(
        form_of_job,
        custom_error_type="job",
        custom_error_message="must be a job of the type command, pipeline, sweep, spark or automl",
    ),
]
CreatedJob = Annotated[
    Annotated[Text, Tag("<single>")]
    | Annotated[JobWithSettings, Tag("<settings>")]
    | Annotated[ScheduledJob, Tag("<job>")],
    Discriminator(form_of_created_job, custom_error_type="form", custom_error_message="must be a job, or its file"),
]


class Schedule(File):
    """A trigger and the job it starts."""

    name: Name
    trigger: Trigger
    create_job: CreatedJob
    display_name: Text | None = None
    description: Text | None = None
    tags: AssetTags | None = None
    properties: Properties | None = None
    is_enabled: Flag | None = None
