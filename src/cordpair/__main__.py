"""`python -m cordpair` is the `cordpair` command."""

from cordpair.cli import main

main()
