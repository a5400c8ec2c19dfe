"""Words of the event chains."""

TEXTS: dict[str, tuple[str, str]] = {
    "audit.broken": (
        "the chain {chain} does not hold from line {seq} on: {why}",
        "compare with a backup; the lines before it are as they were written",
    ),
}
