"""Words of the pages: forms that came from elsewhere, pages that do not exist."""

_AGAIN = "open the page again and send it from there"

TEXTS: dict[str, tuple[str, str]] = {
    "studio.foreign_form": ("this form was sent from another site, and nothing was done", _AGAIN),
    "studio.stale_form": ("this form is not of your session, and nothing was done", _AGAIN),
    "studio.bad_form": ("a field of this form is missing or too long: {fields}", _AGAIN),
    "studio.no_page": ("there is no page {path}", "go to the Loop: /studio/loop"),
}
