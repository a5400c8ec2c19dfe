"""What runs beside user code: spawner, supervisor, attempt folders, isolation. Standard library only."""
