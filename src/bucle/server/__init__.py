"""The server: one ASGI application from the doors, the engine, the clock, and its life on a state folder."""
