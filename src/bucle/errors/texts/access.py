"""Words of access: what is missing where, why the nearest binding fell short, who can grant it."""

_ASK = "ask {granters} for {roles} at {at}"
_MISSING = "{action} at {scope} is refused: "

TEXTS: dict[str, tuple[str, str]] = {
    "access.not_found": (
        "there is no {scope}, or it lies outside your scope",
        "list what you see: `bucle whoami`",
    ),
    "access.bad_scope": (
        "{scope} is not a scope",
        "write /, /stages/STAGE, /stages/STAGE/KIND/NAME or /registries/REGISTRY",
    ),
    "access.denied.nobody": (
        _MISSING + "the caller is unknown or deactivated",
        "ask {granters} to be let in",
    ),
    "access.denied.no_grants": (_MISSING + "you hold no role anywhere", _ASK),
    "access.denied.unknown_place": (
        _MISSING + "there is no such stage or registry",
        "see `bucle stage list`",
    ),
    "access.denied.outside_token": (
        _MISSING + "the token does not let it through",
        "use a token whose scopes name {action} at {scope}",
    ),
    "access.denied.job_identity": (
        _MISSING + "the job identity of the workspace does not hold it",
        "ask {granters} for {roles} at {at}, for the job identity",
    ),
    "access.denied.unlabelled": (
        _MISSING + "the data carries no class",
        "label it: `bucle datastore update --class …`",
    ),
    "access.denied.above_tier": (
        _MISSING + "{data_class} data does not belong in a stage of this tier",
        "work in a stage whose tier may hold {data_class} data",
    ),
    "access.denied.above_role": (_MISSING + "{role} at {held_at} stops below {data_class} data", _ASK),
    "access.denied.expired": (_MISSING + "{role} at {held_at} expired on {expired_at}", _ASK),
    "access.denied.elsewhere": (_MISSING + "{role} is held at {held_at} only", _ASK),
    "access.denied.not_in_role": (_MISSING + "{role} at {held_at} does not hold it", _ASK),
    "access.tier": (
        "role {role} may not be assigned at {scope} (tier {tier})",
        "assign it at a scope of tier {places}, or choose a role made for tier {tier}",
    ),
    "access.unknown_role": ("there is no role {role}", "see `bucle role list`"),
    "access.unknown_principal": ("there is no principal {principal}", "see `bucle principal list`"),
    "access.unknown_binding": ("there is no binding {binding}", "see `bucle binding list`"),
    "access.unknown_action": (
        "role {role} names the action {action}, which there is not",
        "see the actions of the built-in roles: `bucle role list --output json`",
    ),
    "access.own_role": (
        "nobody changes a role that he holds himself, and you, your service or a group of yours holds {role}",
        "ask another holder of roles/write, or define a second role",
    ),
    "access.group_in_group": (
        "{member} is a group, and groups hold people and services only",
        "name the members of {member} in {group}",
    ),
    "access.own_grant": (
        "nobody grants a role to himself, and {principal} is you, your service or a group of yours",
        "ask another AccessAdmin; a single-person platform says `governance: solo` in platform.yml",
    ),
    "access.holder": (
        "role {role} is for {holders}, and {principal} is a {kind}",
        "choose another role or principal",
    ),
    "access.already_expired": ("the grant would expire at {expires_at}, which is past", "give a later time"),
    "access.last_admin": (
        "this would leave nobody with AccessAdmin",
        "grant AccessAdmin at / to somebody else first, without an expiry",
    ),
    "access.more_than_maker": (
        "{what} would hold {action} at tier {place}, which its maker does not hold there",
        "leave {action} out, or ask somebody who holds it",
    ),
    "access.role_name": ("{role} is a built-in role and cannot be redefined", "choose another name"),
    "access.undivided": (
        "role {role} would hold {duties}, which stay apart",
        "make two roles, for two people",
    ),
    "access.token_owner": (
        "only {owner} himself, signed in, makes his tokens",
        "sign in as {owner}: `bucle login`",
    ),
    "access.token_expiry": (
        "a token of a {kind} lasts at most {days} days",
        "give an earlier expiry; the default is 30 days",
    ),
    "access.token_beyond_owner": (
        "the token would let through {action} at {scope}, which {owner} does not hold",
        "leave it out, or see what {owner} holds: `bucle can {owner}`",
    ),
    "access.token_beyond_maker": (
        "the token would let through {action} at {scope}, which its maker does not hold",
        "leave it out, or have its owner make it: `bucle token create`",
    ),
    "access.approver_session": (
        "an approval is given in a person's own login session, and this is a {session}",
        "sign in with `bucle login` and approve there",
    ),
    "access.approver_is_requester": (
        "{approver} asked for this promotion and cannot approve it",
        "ask another holder of Approver at {scope}",
    ),
    "access.approver_is_author": (
        "{approver} made this model and cannot approve its promotion",
        "ask another holder of Approver at {scope}",
    ),
    "access.type_the_alias": (
        "under `governance: solo` you approve your own promotion by typing the release's alias",
        "give {alias} where you approve",
    ),
    "access.class_above_tier": (
        "a datastore of class {data_class} cannot be attached to {scope} (tier {tier}, at most {limit})",
        "attach it to a stage whose tier may hold {data_class} data",
    ),
    "access.class_below_default": (
        "a new datastore at {scope} (tier {tier}) has at least class {limit}, not {data_class}",
        "create it as {limit}; a DataSteward and a second person can lower it",
    ),
    "access.second_person": (
        "lowering the class of {scope} from {before} to {after} needs a second DataSteward",
        "ask another holder of DataSteward to confirm",
    ),
}
