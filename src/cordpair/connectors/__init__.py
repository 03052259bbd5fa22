"""Speaks to the outside: one folder per system, all behind the ports of `kit`."""
