"""Platforms: each is a YAML file in this folder."""
