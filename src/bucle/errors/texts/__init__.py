"""The words of the errors: one module a topic, `TEXTS: code → (detail, hint)`."""
