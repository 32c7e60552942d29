"""Tokens of an independent issuer, good and hostile."""
