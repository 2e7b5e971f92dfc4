"""Layers: the table, how two of them differ, and every count explained. Pure."""
