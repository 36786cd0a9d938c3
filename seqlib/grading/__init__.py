"""Grading, for instructors: ``python -m seqlib.grading A1 submissions/ --secret FILE --out grades/``.

Nothing else in seqlib imports this. What a student handed in is untrusted, and so is all that comes of it: their code
runs in `sandbox`, and only arrays come back, which are compared here. CONTRIBUTING.md says how the parts fit together.
"""
