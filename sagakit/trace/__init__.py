"""Record what happened in a run: typed facts, the arrows made of them, tables, log and spans."""
