"""What runs in the sandbox: a student's notebook, or a model that was handed in; a script of its own.

It reads what to do from standard input, answers on standard output, and nothing that a student's code does to it can
gain a point: the answers are compared elsewhere.
"""

import contextlib
import difflib
import io
import os
import random
import resource
import select
import signal
import sys
import warnings

import numpy as np

from grading import collector, messages, syscalls


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
    session = collector.Session(job.get("packages"))
    for label, source in job["cells"]:
        found = []
        step(label, lambda source=source, found=found: split(source, found), job["limits"], send)
        for statement in found:
            place = f"{label}, line {statement.lineno}"
            if place not in job["skip"]:
                step(place, lambda s=statement, label=label: session.run(s, label), job["limits"], send)
    most = job["limits"]["output"] // 64
    for name in job["functions"]:
        cases = {}
        for head, array in given:
            if head["to"] == name:
                cases.setdefault(head["case"], []).append(
                    array if array is not None else collector.tuples(head["value"])
                )
        function = session.names.get(name)
        if callable(function):
            step(name, lambda: call(name, function, cases, send, most), job["limits"], send)  # noqa: B023
        else:
            known = [known for known, value in session.names.items() if isinstance(known, str) and callable(value)]
            send({"missing": name, "like": difflib.get_close_matches(name, known, 1)})


def split(source, found):
    """Add a cell's statements to what is found; return a note on what was left out."""
    statements, note = collector.statements(source)
    found += statements
    return note


def step(label, action, limits, send):
    """Do one thing that may fail, for a limited time, and send how it went."""

    def alarm(number, _):
        limit, spent = ("computing", "step_cpu") if number == signal.SIGPROF else ("clock", "step")
        raise collector.TookTooLong(f"it took more than {limits[spent]:g} s and was stopped", limit)

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
            note, limit = collector.describe(error), limit_met(error)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException as error:  # the alarm went off just then
        note, limit = collector.describe(error), limit_met(error)
    send({"end": label, "note": note, **({"limit": limit} if limit else {})})


def limit_met(error):
    """Name the limit that an error tells of, or return None."""
    if isinstance(error, collector.TookTooLong):
        return error.args[1]
    return "memory" if isinstance(error, MemoryError) else None


def call(name, function, cases, send, largest, as_array=np.asarray, fresh=np.array, kind=np.ndarray):
    """Call a student's function on each case, and send its answers as arrays.

    Each call gets arrays of its own, which it may write to: nothing that it does to them reaches another call.
    """
    for case, arguments in cases.items():
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 - what a student's code may draw from
        why, array, limit = "", None, None
        try:
            value = function(*(fresh(value) if isinstance(value, kind) else value for value in arguments))
            array = as_array(value)
            if value is None:
                why = "it returned None"
            elif array.dtype.name not in messages.KINDS:
                why = "what it returned is not an array of numbers"
            elif array.nbytes > largest:
                why = "what it returned is too large"
        except (Exception, SystemExit) as error:
            why, limit = collector.describe(error), limit_met(error)
        head = {"failed": name, "case": case, "why": why} if why else {"answer": name, "case": case}
        send(head | ({"limit": limit} if limit else {}), None if why else array)


def model(job, given, send):
    """Rebuild a model that was handed in, from data alone; send its shapes and costs; if they fit, its logits."""
    from seqlib import measure, model_files

    arrays = {head["name"]: array for head, array in given}
    try:
        network = model_files.load_model(io.BytesIO(arrays["file"].tobytes()))
        facts = collector.facts(network)
        send({"facts": facts})
        if "clips" in arrays and all(fits for _, fits in collector.compared(job["wanted"], facts)):
            send({"answer": "logits"}, measure.logits(network, arrays["clips"]).astype(np.float64))
    except Exception as error:  # Keras and TensorFlow raise all kinds
        send({"refused": collector.describe(error)})


if __name__ == "__main__":
    main()
