"""Grading, for instructors: ``python -m grading A1 submissions/ --secret FILE --out grades/``.

It stands beside `seqlib`, not in it: an installed wheel has no assignments to grade, and a learner needs none of this.
What a student handed in is untrusted, and so is all that comes of it: their code runs in `sandbox`, and only arrays
come back, which are compared here. contributing/structure.md says how the parts fit.
"""
