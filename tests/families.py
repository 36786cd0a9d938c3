"""The families that the tests go through."""

import inspect

from seqlib import models, show


def with_lengths():
    """List (name, settings) of each family that takes lengths; early fusion has the argument to say why it does not."""
    return [
        (name, settings)
        for name, family in show.FAMILIES.items()
        if name != "early_fusion" and "lengths" in inspect.signature(getattr(models, name)).parameters
        for settings in family.settings
    ]
