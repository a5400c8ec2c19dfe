"""Assets: data, models, environments, components, code, their datastores and their lineage."""
