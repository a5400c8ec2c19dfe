"""Pure values and decisions: who may do what, what a platform file would change, when a schedule fires."""
