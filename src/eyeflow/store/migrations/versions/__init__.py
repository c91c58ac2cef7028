"""The migrations, in order; each file says from which version it leads to which."""
