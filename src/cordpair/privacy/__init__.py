"""Promises about personal data: what is kept, why, for how long, and how it goes. Pure."""
