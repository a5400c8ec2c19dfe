"""Words of the demo."""

TEXTS: dict[str, tuple[str, str]] = {
    "demo.not_denied": ("a job read what it may not read: {said}", "see `bucle doctor`: is Landlock on?"),
    "demo.not_scored": ("a car was not scored: {status} {said}", "see `bucle online-endpoint show`"),
    "demo.not_labelled": ("{count} labels found no request", "see the server's log"),
    "demo.no_finding": ("the monitor said nothing of {year}", "see the server's log"),
    "demo.not_retrained": ("the retraining ended as {state}: {reason}", "see `bucle monitor show`"),
}
