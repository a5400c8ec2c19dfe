"""Tracking: experiments, runs, metrics, parameters, tags, artifacts, logged models and their search."""
