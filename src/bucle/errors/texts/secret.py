"""Words of secrets."""

TEXTS: dict[str, tuple[str, str]] = {
    "secret.not_found": ("there is no secret {name} in {stage}", "see `bucle secret list --stage {stage}`"),
    "secret.bad_name": (
        "{name} is no name of a secret",
        "use letters, digits, `_` and `-`, a letter or `_` first",
    ),
    "secret.too_long": ("the value is longer than {longest} bytes", "keep long values in a data asset"),
    "secret.too_short": (
        "the value has fewer than {least} characters: it could not be kept out of logs",
        "use a longer one",
    ),
    "secret.not_text": ("the value is no UTF-8 text without NUL", "encode it, in base64 for example"),
    "secret.misplaced": (
        "{expression} cannot stand in {where}: a secret is the whole value of a variable of a job, and nothing else",
        "write `environment_variables: {{NAME: {expression}}}` in the job and read that variable in its code",
    ),
    "secret.damaged": (
        "the secret {name} of {stage} does not open: its row is not what was sealed there",
        "set it again with `bucle secret set {name} --stage {stage}`; find out who changed the records",
    ),
    "secret.key_unknown": (
        "the secret {name} of {stage} was sealed under the key {key}, which is not here",
        "put back the file of keys (or BUCLE_SECRETS_KEY) that the records were used with",
    ),
    "secret.key_missing": (
        "the keys of secrets, {file}, are missing",
        "put the file back, set BUCLE_SECRETS_KEY, or delete the secrets and set them again",
    ),
    "secret.key_open": ("others can read {file}", "run: chmod 600 {file}, then set every secret anew"),
    "secret.key_unreadable": (
        "{where} holds no key",
        "give 32 random bytes in base64, such as `openssl rand -base64 32` makes; restore the file if it is one",
    ),
}
