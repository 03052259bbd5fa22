"""Texts are spoken: a port, and eSpeak NG behind it."""
