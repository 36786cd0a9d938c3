"""Notebooks as honest students leave them, each with its fair mark and the reason for it.

The marks were decided from what students read (the assignments' texts) before any grader had seen a notebook. So they
say what a grader has to reach; what a grader answers is no reason to change one.
"""

from . import fronts, functions, models, words
from .cases import BLANK, CASES, MARKER, Case, Edition

__all__ = ["BLANK", "CASES", "MARKER", "Case", "Edition", "fronts", "functions", "models", "words"]
