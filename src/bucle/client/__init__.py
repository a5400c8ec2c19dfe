"""The SDK: `bucle.Client`, every verb of the platform over HTTP. The CLI and the demo come in through here only."""

from bucle.client.client import Client

__all__ = ["Client"]
