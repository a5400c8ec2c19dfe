"""What the gateway answers by itself: each refusal's status, its Azure-like code, and its words from the catalogue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from bucle.errors.catalogue import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status, a JSON body and further headers, as every front writes them."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


_LATER = (("retry-after", "1"),)
_SIGN_IN = (("www-authenticate", 'Bearer realm="scoring"'),)
_POST = (("allow", "POST"),)

_REFUSALS: Mapping[str, tuple[int, tuple[tuple[str, str], ...]]] = {
    "gateway.malformed": (400, ()),
    "gateway.no_host": (400, ()),
    "gateway.twice": (400, ()),
    "gateway.upgrade": (400, ()),
    "gateway.no_key": (401, _SIGN_IN),
    "gateway.wrong_key": (401, _SIGN_IN),
    "gateway.other_endpoint": (403, ()),
    "gateway.no_path": (404, ()),
    "gateway.no_endpoint": (404, ()),
    "gateway.no_deployment": (404, ()),
    "gateway.only_post": (405, _POST),
    "gateway.slow": (408, ()),
    "gateway.large_body": (413, ()),
    "gateway.long_url": (414, ()),
    "gateway.not_json": (415, ()),
    "gateway.shed": (429, _LATER),
    "gateway.large_headers": (431, ()),
    "gateway.worker_died": (502, ()),
    "gateway.no_traffic": (503, _LATER),
    "gateway.no_replica": (503, _LATER),
    "gateway.full": (503, _LATER),
    "gateway.deadline": (504, ()),
}


def refuse(code: str, **values: object) -> Answer:
    """Return the answer that refuses a request under a code of the catalogue."""
    status, headers = _REFUSALS[code]
    text = text_of(code)
    error = {"code": code, "message": text.detail.format(**values), "hint": text.hint.format(**values)}
    return Answer(status=status, body=json.dumps({"error": error}).encode(), headers=headers)


def reason_of(status: int) -> str:
    """Return the words of a status; a model's own code may be one that nobody has named."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
