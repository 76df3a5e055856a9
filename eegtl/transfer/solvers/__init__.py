"""Eigenproblems and optimisation on plain arrays, which the methods of this package are made of."""
