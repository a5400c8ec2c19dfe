"""bucle: the whole MLOps loop in one install. `bucle.Client` is the SDK; the rest is the platform."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Load `bucle.Client` when it is first asked for, so that `import bucle` costs nothing."""
    if name == "Client":
        from bucle.client import Client

        return Client
    raise AttributeError(name)
