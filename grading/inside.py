"""What runs in the sandbox: a student's notebook, or a model that was handed in; a script of its own.

It reads what to do from standard input, answers on standard output, and nothing that a student's code does to it can
gain a point: the answers are compared elsewhere.
"""

import builtins
import contextlib
import difflib
import io
import os
import random
import re
import resource
import select
import signal
import sys
import warnings

import numpy as np

from grading import messages, syscalls

MAGIC = re.compile(r"^\s*([%!].*|\w[\w, ]*=\s*[%!].*|\??[\w.]+\?{1,2})$")  # %magic, !command, x = !command, help?
HARMLESS_CELL_MAGIC = re.compile(r"^\s*%%(time|timeit|capture)\b.*\n?")


class TookTooLong(BaseException):
    """Raised by the alarm; not an Exception, so that a bare ``except Exception`` lets it pass."""


def main():
    """Carry out the job on standard input; as arguments, the grader's process and a pipe that it holds open."""
    lifeline = int(sys.argv[2])
    if select.select([lifeline], [], [], 0)[0]:  # killed before bubblewrap was bound to its life, which it is by now
        os._exit(1)
    os.close(lifeline)
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    (job, _), *given = messages.unpack(sys.stdin.buffer.read())
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    limit(**job["limits"])
    syscalls.restrict()

    def send(head, array=None):
        rest = memoryview(messages.pack(head, array))
        while rest:
            rest = rest[os.write(channel, rest) :]

    send({"started": True})
    {"notebook": notebook, "model": model}[job["do"]](job, given, send)
    send({"finished": True})
    os._exit(0)  # whatever threads or exit handlers a notebook left behind


def limit(addresses, output, cpu, **_):
    """Limit this process and its children; they cannot raise it again."""
    for kind, most in (
        (resource.RLIMIT_AS, (addresses, addresses)),
        (resource.RLIMIT_FSIZE, (output, output)),
        (resource.RLIMIT_CPU, (cpu, cpu + 1)),  # SIGXCPU, by which the sandbox knows it; then SIGKILL
        (resource.RLIMIT_NOFILE, (256, 256)),  # open ones; what waits in a pipe is memory, too
        (resource.RLIMIT_CORE, (1, 1)),  # a byte: none at all is taken for no limit where a program collects dumps
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of the address space
            resource.setrlimit(kind, most)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file that grows too large is an OSError


def notebook(job, given, send):
    """Run the cells, then call the functions that are asked for on what is given."""
    warnings.simplefilter("ignore")
    names = {"__name__": "__main__", "display": lambda *_, **__: None}
    for label, source in job["cells"]:
        if label not in job["skip"]:
            step(label, lambda source=source, label=label: run_cell(source, label, names), job["limits"], send)
    most = job["limits"]["output"] // 64
    for name in job["functions"]:
        cases = {}
        for head, array in given:
            if head["to"] == name:
                cases.setdefault(head["case"], []).append(array if array is not None else tuples(head["value"]))
        function = names.get(name)
        if callable(function):
            step(name, lambda: call(name, function, cases, send, most), job["limits"], send)  # noqa: B023
        else:
            known = [known for known in names if isinstance(known, str) and callable(names[known])]
            send({"missing": name, "like": difflib.get_close_matches(name, known, 1)})


def step(label, action, limits, send):
    """Do one thing that may fail, for a limited time, and send how it went."""

    def alarm(number, _):
        limit, spent = ("computing", "step_cpu") if number == signal.SIGPROF else ("clock", "step")
        raise TookTooLong(f"it took more than {limits[spent]:g} s and was stopped", limit)

    send({"begin": label})
    note = limit = None
    try:
        signal.signal(signal.SIGPROF, alarm)
        signal.signal(signal.SIGALRM, alarm)
        signal.setitimer(signal.ITIMER_PROF, limits["step_cpu"])
        signal.setitimer(signal.ITIMER_REAL, limits["step"])
        try:
            note = action()
        except BaseException as error:
            note, limit = describe(error), limit_met(error)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException as error:  # the alarm went off just then
        note, limit = describe(error), limit_met(error)
    send({"end": label, "note": note, **({"limit": limit} if limit else {})})


def limit_met(error):
    """Name the limit that an error tells of, or return None."""
    if isinstance(error, TookTooLong):
        return error.args[1]
    return "memory" if isinstance(error, MemoryError) else None


def describe(error):
    """Say in one short line what went wrong."""
    if isinstance(error, MemoryError):
        return "it asked for more memory than there is"
    if isinstance(error, NotImplementedError):
        return "it is not written yet"
    if isinstance(error, TookTooLong):
        return error.args[0]
    text = " ".join(builtins.str(error).split())[:300]
    if isinstance(error, PermissionError) or "name resolution" in text:
        text += " (graded notebooks have no network, no processes of their own, and no files but in /tmp)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def run_cell(source, label, names):
    """Run a cell; if it is not Python as it stands, run it without its magics and shell escapes."""
    note = None
    try:
        code = compile(source, label, "exec", dont_inherit=True)
    except SyntaxError:
        plain = HARMLESS_CELL_MAGIC.sub("", source)
        if plain.lstrip().startswith("%%"):
            return "a cell magic: the cell was left out"
        kept = [re.match(r"\s*", line)[0] + "pass" if MAGIC.match(line) else line for line in plain.splitlines()]
        code = compile("\n".join(kept), label, "exec", dont_inherit=True)
        note = "its magics and shell escapes were left out"
    exec(code, names)
    return note


def call(name, function, cases, send, largest, as_array=np.asarray):
    """Call a student's function on each case, and send its answers as arrays."""
    for case, arguments in cases.items():
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - what a student's code may draw from
        why, array, limit = "", None, None
        try:
            value = function(*arguments)
            array = as_array(value)
            if value is None:
                why = "it returned None"
            elif array.dtype.name not in messages.KINDS:
                why = "what it returned is not an array of numbers"
            elif array.nbytes > largest:
                why = "what it returned is too large"
        except (Exception, SystemExit) as error:
            why, limit = describe(error), limit_met(error)
        head = {"failed": name, "case": case, "why": why} if why else {"answer": name, "case": case}
        send(head | ({"limit": limit} if limit else {}), None if why else array)


def tuples(value):
    """Return what JSON made a list of as a tuple, as the question says."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def model(job, given, send):
    """Rebuild a model that was handed in, from data alone, and send what it costs and what it answers."""
    from seqlib import measure, model_files

    arrays = {head["name"]: array for head, array in given}
    try:
        network = model_files.load_model(io.BytesIO(arrays["file"].tobytes()))
        cost = {"parameters": measure.parameters(network), "multiply_adds": measure.multiply_adds(network)}
        send({"cost": cost})
        if all(cost[name] <= most for name, most in job["budget"].items()):
            send({"answer": "logits"}, measure.logits(network, arrays["clips"]))
    except (ValueError, TypeError) as error:
        send({"refused": str(error)[:300]})


if __name__ == "__main__":
    main()
