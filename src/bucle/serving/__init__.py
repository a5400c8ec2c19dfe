"""Serving: endpoints and deployments in the records, the routing table, what was collected, gateway and keeper."""
