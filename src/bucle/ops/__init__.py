"""Every verb of the platform, one function each: authorise → plan → act → record; one module a noun."""
