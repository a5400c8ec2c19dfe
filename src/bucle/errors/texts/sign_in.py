"""Words of signing in: tokens, sessions, passwords, invitations."""

_LOGIN = "sign in with `bucle login`"

TEXTS: dict[str, tuple[str, str]] = {
    "sign_in.nobody": ("this request says of nobody that he is calling", _LOGIN + ", or set BUCLE_TOKEN"),
    "sign_in.not_a_token": ("what was sent is not one of our tokens (mistyped or cut off?)", _LOGIN),
    "sign_in.unknown_token": ("this token is unknown here", _LOGIN),
    "sign_in.revoked_token": ("the token {token} was revoked", "ask an AccessAdmin for another one"),
    "sign_in.expired_token": ("the token {token} expired at {at}", _LOGIN),
    "sign_in.unknown_session": ("this session is unknown here", _LOGIN),
    "sign_in.ended_session": ("this session was ended", _LOGIN),
    "sign_in.expired_session": ("this session is over (8 hours idle, or 24 hours in all)", _LOGIN),
    "sign_in.no_session": (
        "a token calls, not a session",
        "revoke a token with `bucle token revoke ID`",
    ),
    "sign_in.wrong_password": (
        "the name or the password is wrong",
        "try again, or ask an AccessAdmin for an invitation: `bucle principal invite NAME`",
    ),
    "sign_in.password_length": (
        "a password has {shortest} to {longest} characters",
        "choose a longer one, such as four words",
    ),
    "sign_in.bad_invitation": (
        "this invitation is unknown, used or older than a day",
        "ask an AccessAdmin for another one: `bucle principal invite NAME`",
    ),
    "sign_in.too_many": (
        "too many tries to sign in",
        "wait {retry_after_s} seconds",
    ),
    "sign_in.bad_host": (
        "requests to the host {host} are not answered here",
        "use the address printed by `bucle status`",
    ),
}
