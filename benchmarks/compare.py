"""How contestants are compared: in turns, in random order, and by ratios within a turn.

A slow minute of the machine then meets all of them. Processor time is what is compared: it counts what this process and
those that it started have computed, not how long they waited for a core.
"""

import math
import random
import resource
import statistics


def processor_time():
    """Return the seconds that this process, and those that it has waited for, have computed; float."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def interleaved(contestants, rounds, at_least=0.05, warm_up=True, seed=0, clock=processor_time):
    """Time contestants in rounds, in each of which all of them come once, in a random order.

    Parameters
    ----------
    contestants : dict of str to function
        Each is called without arguments.
    rounds : int
    at_least : float
        What takes fewer seconds than this, in a call that does not count, is called several times in a round. With 0
        there is no such call, and nothing is.
    warm_up : bool
        Whether each is called once before anything else.
    seed : int
        Of the orders.
    clock : function
        What tells the seconds.

    Returns
    -------
    dict of str to list of float
        Seconds for one call, in each round.

    Examples
    --------
    >>> taken = interleaved({"a": lambda: None, "b": lambda: None}, rounds=3, at_least=0)
    >>> {name: len(seconds) for name, seconds in taken.items()}
    {'a': 3, 'b': 3}
    """
    calls = dict.fromkeys(contestants, 1)
    for name, call in contestants.items():
        if warm_up:
            call()
        if at_least:
            began = clock()
            call()
            calls[name] = max(1, math.ceil(at_least / max(clock() - began, 1e-7)))
    order, taken = random.Random(seed), {name: [] for name in contestants}
    for _ in range(rounds):
        for name in order.sample(list(contestants), len(contestants)):
            began = clock()
            for _ in range(calls[name]):
                contestants[name]()
            taken[name].append((clock() - began) / calls[name])
    return taken


def spread(numbers):
    """Return lower quartile, median and upper quartile, to three digits; list of float.

    Examples
    --------
    >>> spread([5, 1, 4, 2, 3])
    [2.0, 3.0, 4.0]
    """
    low, middle, high = statistics.quantiles(numbers, n=4, method="inclusive") if len(numbers) > 1 else 3 * [numbers[0]]
    return [float(f"{number:.3g}") for number in (low, middle, high)]


def row(name, taken, ours, goals, **more):
    """Sum up one comparison.

    Parameters
    ----------
    name : str
    taken : dict of str to list of float
        As `interleaved` returns it. A contestant's name says who, and after a comma in which way.
    ours : str
        Which contestant is the course.
    goals : dict of str to (float or None)
        By who: the largest ratio that is to be reached. Each is represented by its fastest way.
    **more
        What else the record is to keep.

    Returns
    -------
    dict

    Examples
    --------
    >>> taken = {"course": [2.0, 2.0, 3.0], "other, slow": [9.0, 9.0, 9.0], "other, fast": [4.0, 4.0, 4.0]}
    >>> row("one step", taken, "course", {"other": 1})["against"]
    [{'who': 'other', 'best': 'other, fast', 'ratio': [0.5, 0.5, 0.625], 'goal': 1}]
    """
    against = []
    for who, goal in goals.items():
        ways = [way for way in taken if way.partition(",")[0] == who]
        best = min(ways, key=lambda way: statistics.median(taken[way]))
        ratios = [mine / others for mine, others in zip(taken[ours], taken[best], strict=True)]
        against.append({"who": who, "best": best, "ratio": spread(ratios), "goal": goal})
    seconds = {way: spread(numbers) for way, numbers in taken.items()}
    return {"row": name, "ours": ours, "turns": len(taken[ours]), "seconds": seconds, "against": against, **more}
