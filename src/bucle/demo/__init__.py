"""The demo: one real model walked through every room of the platform, over HTTP, on one machine."""
