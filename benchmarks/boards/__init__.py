"""Bitstreams for boards with free tools."""
