"""cordpair: a contact centre that lives inside Microsoft Teams."""

__version__ = "0.1.0"
