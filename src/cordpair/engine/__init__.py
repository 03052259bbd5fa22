"""Acts: the imperative shell around the core."""
