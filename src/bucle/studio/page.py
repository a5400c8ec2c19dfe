"""What every page is made of: the templates, the one style sheet, the headers that go with each answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bucle.studio.words import FILTERS

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The templates and the style sheet, read once when the application is built."""

    templates: Environment
    style: bytes
    style_name: str
    """Holds a digest of the bytes, so that browsers may keep it."""

    def render(self, template: str, **values: Any) -> str:
        """Return a page; a value that its template needs and nobody gave is a fault of ours."""
        return self.templates.get_template(template).render(style_name=self.style_name, **values)


def read_pages() -> Pages:
    """Read templates and style sheet from the package."""
    templates = Environment(
        loader=PackageLoader("bucle.studio"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters.update(FILTERS)
    style = (files("bucle.studio") / "static" / "bucle.css").read_bytes()
    return Pages(templates=templates, style=style, style_name=f"bucle-{sha256(style).hexdigest()[:12]}.css")
