"""Words of principals, bindings and tokens."""

TEXTS: dict[str, tuple[str, str]] = {
    "principal.not_found": (
        "there is no principal {name}",
        "see `bucle principal list`, or make one: `bucle principal create {name} --kind person`",
    ),
    "principal.exists": ("there is a principal {name} already", "choose another name"),
    "principal.disabled": ("{name} is disabled", "create another principal under another name"),
    "principal.not_a_person": (
        "{name} is a {kind}, and only people are invited",
        "a service calls with a token: `bucle token create --owner {name}`",
    ),
    "principal.owner_missing": (
        "the service {name} has no owner who is a person",
        "name one: `bucle principal create {name} --kind service --owner PERSON`",
    ),
    "binding.exists": (
        "{principal} holds {role} at {scope} already",
        "to change its expiry, first `bucle binding delete {id}`",
    ),
    "binding.not_found": ("there is no binding {id}", "see `bucle binding list`"),
    "token.not_found": ("there is no token {id}", "see `bucle token list`"),
    "can.unknown_action": ("there is no action {action}", "see `bucle can --matrix --stage dev`, or docs/access"),
}
