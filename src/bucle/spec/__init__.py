"""Owns the reading of documents: YAML or JSON → typed values, with the line and column of each fault."""
