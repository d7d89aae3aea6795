"""An AWS F2 shell."""
