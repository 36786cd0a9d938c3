"""What the marks of a result add up to."""


def number(points):
    """Return points as text: at most two decimals, nothing if there are none yet.

    Examples
    --------
    >>> number(12.0), number(8.333), number(None)
    ('12', '8.33', '')
    """
    return "" if points is None else f"{points:.2f}".rstrip("0").rstrip(".")


def counted(result):
    """Return the marks that count, by question: all but those that are excused."""
    return {name: mark for name, mark in result["marks"].items() if not mark.get("excused")}


def missing(result):
    """Return the questions that have no mark yet."""
    return [name for name, mark in counted(result).items() if mark["points"] is None]


def most(result):
    """Return the points of all questions, as they were asked."""
    return result.get("most", sum(mark["of"] for mark in result["marks"].values()))


def so_far(result):
    """Add up what is marked; what is excused or weighs otherwise leaves the most that one can have as it is."""
    marks = counted(result).values()
    points, of = sum(mark["points"] or 0 for mark in marks), sum(mark["of"] for mark in marks)
    if of and of != most(result):
        points *= most(result) / of
    share, off = result.get("late", (0, 0))
    return round(max(0, points * (1 - share) - off + result.get("extra", 0)), 2)


def total(result):
    """Add up all marks; None while one is missing, or if the student is excused."""
    return None if missing(result) or result.get("excused") else so_far(result)


def text(result):
    """Return the total as text: empty while a mark is missing."""
    return "excused" if result.get("excused") else number(total(result))


def to_look_at(result):
    """Return whether somebody has to look at a result: a mark is missing for what no person was to mark."""
    return any(name not in result["written"] for name in missing(result))
