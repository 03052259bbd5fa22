"""Work, our figure, an opponent or a limit measured beside it, and the aim that we hold ourselves to."""
