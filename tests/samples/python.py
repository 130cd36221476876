# Copyright 2020 X
"""Sells things."""
import json

type Ids = list[int]


class Cart(Base):
    """A cart."""

    # Not documentation.
    def add(self, item):
        """Adds one."""
        return item


def run():
    pass
