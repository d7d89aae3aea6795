"""Trained example networks, their training scripts, data and accuracy. Run from the repository's root folder."""
