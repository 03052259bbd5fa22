"""Decides: values in, decisions out. No I/O, clock, randomness or logging in here."""
