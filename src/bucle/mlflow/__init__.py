"""The door for MLflow's clients: its REST protocol, as 2.22 and 3.17 speak it, over the verbs of `ops`."""
