"""Words of the demo."""

TEXTS: dict[str, tuple[str, str]] = {
    "demo.not_denied": ("a job read what it may not read: {said}", "see `bucle doctor`: is Landlock on?"),
}
