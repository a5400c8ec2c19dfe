"""Records, objects and the event chain: where everything is kept, and no rule about any of it."""
