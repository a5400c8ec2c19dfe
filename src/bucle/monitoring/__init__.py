"""Monitoring: what was scored and labelled, what closed windows said, open incidents, retrainings under way."""
