"""Words of evaluation and gates."""

TEXTS: dict[str, tuple[str, str]] = {
    "evaluation.no_metric": ("there is no metric {metric}", "use one of: {known}"),
    "evaluation.no_rows": ("the evaluation holds no row with a label and a prediction", "give data with labels"),
}
