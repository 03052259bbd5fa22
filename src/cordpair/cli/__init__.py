"""The `cordpair` command."""
