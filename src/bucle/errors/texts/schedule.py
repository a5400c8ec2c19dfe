"""Words of schedules: time zones, expressions, recurrences."""

TEXTS: dict[str, tuple[str, str]] = {
    "schedule.time_zone": (
        "{time_zone} is not a time zone of the IANA database",
        "write one such as UTC or Europe/Madrid",
    ),
    "schedule.cron": (
        "{expression} is not a cron expression of five fields",
        "write minute, hour, day of the month, month, day of the week: `0 6 * * MON`",
    ),
    "schedule.instant": ("{text} is no date and time", "write one such as 2026-03-01T06:00:00, or with an offset"),
    "schedule.not_found": ("there is no schedule {name} in {stage}", "see `bucle schedule list --stage {stage}`"),
    "schedule.exists": ("a schedule called {name} exists in {stage}", "give another name, or delete that one"),
    "schedule.absent": ("this file says that there is no schedule", "leave it out, or write a trigger and create_job"),
    "schedule.monitor": ("a monitor is not scheduled here", "see `bucle monitor`"),
    "schedule.not_a_job": ("{reference} is not the name of a job", "write `azureml:NAME`, a file or the job itself"),
    "schedule.never": ("the schedule {name} never fires from now on", "look at its start, its end and its pattern"),
    "schedule.fired": ("the schedule {name} fired this very instant", "wait a moment"),
    "schedule.needs_service": (
        "in {stage} a schedule runs as a service, never as a person who may leave",
        "name one of yours: `properties: {{bucle.principal: NAME}}`",
    ),
    "schedule.not_yours": (
        "{principal} is not a service of yours, so no schedule of yours runs as it",
        "name a service that you own; its owner is shown by `bucle principal show {principal}`",
    ),
    "schedule.interval": (
        "a recurrence every {interval} periods never comes",
        "give an interval of 1 or more",
    ),
    "schedule.pattern": (
        "a recurrence by the {frequency} takes no `schedule` of hours, minutes or days",
        "leave `schedule` out, or choose the frequency day, week or month",
    ),
}
