"""The SQLite world: durable on one machine, in one file, whatever is killed at whatever moment."""
