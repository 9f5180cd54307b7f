"""Other libraries, each doing the same as the plain loop in the way its users would; imported only where installed."""
