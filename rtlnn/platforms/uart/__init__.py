"""Boards that a host reaches through a serial line."""
