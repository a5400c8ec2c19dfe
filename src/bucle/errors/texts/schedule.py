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
    "schedule.interval": (
        "a recurrence every {interval} periods never comes",
        "give an interval of 1 or more",
    ),
    "schedule.pattern": (
        "a recurrence by the {frequency} takes no `schedule` of hours, minutes or days",
        "leave `schedule` out, or choose the frequency day, week or month",
    ),
}
