"""Words of the event chains."""

TEXTS: dict[str, tuple[str, str]] = {
    "audit.broken": (
        "the chain {chain} does not hold from line {seq} on: {why}",
        "compare with a backup; the lines before it are as they were written",
    ),
    "audit.anchor_wrong": (
        "the chains cannot be held against this: {why}",
        "give what `bucle audit anchor` of this platform wrote",
    ),
    "audit.no_anchor": (
        "{file} holds no signed heads: {why}",
        "give what `bucle audit anchor` or `bucle audit export` wrote, or the server's log/audit-heads.jsonl",
    ),
}
