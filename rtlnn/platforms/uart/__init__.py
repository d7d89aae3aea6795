"""A shell with a serial link."""
