"""Paradoxes: small worlds in which more of something good leaves somebody, or all together, worse off."""
