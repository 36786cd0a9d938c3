"""Runs `inside` apart from everything else: under bubblewrap, or, where that is missing, with limits alone.

What runs there is given bytes and leaves bytes. It sees Python, the installed packages, seqlib and this package,
all of them public and read-only; no network, no other file, no other process.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import seqlib

from . import messages

OURS = (
    Path(seqlib.__file__).resolve().parent,
    Path(__file__).resolve().parent,
)  # what student code may see of the course
INSIDE = Path(__file__).with_name("inside.py")
PYTHON = Path(sys.executable).resolve()  # not the link to it in a virtual environment
PACKAGES = [path for path in sys.path if path.endswith("-packages") and Path(path).is_dir()]
LONGEST_ANSWER = 2**16  # bytes of what comes with an array
SEEN = (Path("/usr"), Path(sys.base_prefix).resolve(), *map(Path, PACKAGES), *OURS)  # by student code
EVERY = 0.02  # seconds between two looks at what runs
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)  # it cannot send them


class Limits(NamedTuple):
    """What one run may use."""

    seconds: float = 120  # from beginning to end
    cpu: int = 120  # of computing, from beginning to end
    step: float = 60  # for one cell or one question; what can be interrupted is
    step_cpu: float = 30  # of computing, for the same; importing TensorFlow takes a third of it
    memory: int = 2**31  # bytes in all
    addresses: int = 2**33  # bytes that may be asked for; TensorFlow asks for more than it takes
    processes: int = 64  # threads included
    output: int = 2**24  # bytes, of answers and of any file
    disk: int = 2**26  # bytes, in a folder that lives in memory
    files: int = 2**14  # in that folder; each takes a kilobyte of memory, even an empty one


LIMITS = Limits()


class Sandbox(NamedTuple):
    """How student code is kept apart.

    Attributes
    ----------
    bubblewrap : bool
        Whether under bubblewrap; else with limits alone.
    user : str, optional
        Without bubblewrap: the unprivileged user to run as (takes root).
    """

    bubblewrap: bool = True
    user: str | None = None

    def run(self, job, given=(), limits=LIMITS):
        """Carry out a job.

        Parameters
        ----------
        job : dict
            What `inside` is to do.
        given : iterable of (dict, array or None)
            Messages that come with it.
        limits : Limits

        Returns
        -------
        answers : list of (dict, array or None)
            As far as they make sense; whatever they say is the word of a stranger.
        end : str
            "" if it came to its end by itself, else which limit, or what else, ended it.
        """
        with tempfile.TemporaryFile() as question, tempfile.TemporaryFile() as answer, _lifeline() as lifeline:
            for head, array in ((job | {"limits": limits._asdict()}, None), *given):
                question.write(messages.pack(head, array))
            question.seek(0)
            python = [PYTHON, "-P", "-s", "-B", INSIDE, str(os.getpid()), str(lifeline)]
            process = subprocess.Popen(
                [*(_bubblewrap(limits) if self.bubblewrap else ()), *python],
                pass_fds=[lifeline],
                stdin=question,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                **(_as(self.user) if self.user else {}),
            )
            try:
                end = _watch(process, limits)
            finally:
                self._end(process)
            answer.seek(0)
            return messages.unpack(answer.read(limits.output), LONGEST_ANSWER), end

    def problem(self):
        """Say why nothing can be run like this; "" if it can."""
        if self.bubblewrap and not shutil.which("bwrap"):
            return "bubblewrap is not installed (on Debian and Ubuntu: make system)"
        if self.bubblewrap:
            done = subprocess.run([*_bubblewrap(LIMITS), "/bin/true"], capture_output=True, text=True)
            if done.returncode:
                return f"bubblewrap does not work here: {done.stderr.strip() or done.returncode}"
        answers, _ = self.run({"do": "notebook", "cells": [], "functions": [], "skip": []})
        return "" if any(head.get("finished") for head, _ in answers) else "Python does not start in it"

    def _end(self, process):
        """End whatever still runs. Under bubblewrap the first process takes all others with it."""
        if process.poll() is None:
            for pid in _children(process.pid):
                _kill(os.kill, pid)
        _kill(os.killpg, process.pid)
        process.wait()


@contextlib.contextmanager
def _lifeline():
    """Open a pipe whose other end this process holds; yield the end at which `inside` sees that it is still there."""
    end, held = os.pipe()
    try:
        yield end
    finally:
        os.close(end)
        os.close(held)


def _bubblewrap(limits):
    """Return the command that runs another one under bubblewrap."""
    links = [
        argument
        for folder in map(Path, ("/bin", "/lib", "/lib32", "/lib64"))
        if folder.exists()
        for argument in (
            ("--symlink", os.readlink(folder), folder) if folder.is_symlink() else ("--ro-bind", folder, folder)
        )
    ]
    return [
        *("bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session"),
        *("--cap-drop", "ALL", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox", "--chdir", "/tmp"),
        *("--proc", "/proc", "--remount-ro", "/proc"),  # else root could write to /proc/sys
        *("--dev", "/dev", "--ro-bind", "/dev/null", "/dev/zero", "--remount-ro", "/dev"),  # zero is shared memory, too
        *("--size", str(limits.disk), "--tmpfs", "/tmp"),
        *links,
        *(argument for path in ("/etc/ld.so.cache", "/etc/alternatives") for argument in ("--ro-bind-try", path, path)),
        *(argument for path in SEEN for argument in ("--ro-bind", path, path)),
        *("--remount-ro", "/", "--"),
    ]


def _environment():
    """Return the environment, which has nothing of ours: one thread, the same hashes every time, no log."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([*dict.fromkeys(str(folder.parent) for folder in OURS), *PACKAGES]),
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "Agg",
        "CUDA_VISIBLE_DEVICES": "-1",
        **dict.fromkeys(threads, "1"),
    }


def _as(user):
    """Return what `subprocess.Popen` takes to run a process as somebody else."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _watch(process, limits):
    """Wait for the end; return "" or what ended it: the limit that was met, and then something still runs."""
    end = time.monotonic() + limits.seconds
    while True:
        try:
            return _ended(process.wait(EVERY), limits)
        except subprocess.TimeoutExpired:
            pass
        if time.monotonic() > end:
            return f"it took more than {limits.seconds:g} s"
        processes, memory, files = _usage(process.pid, limits.processes)
        if processes > limits.processes:
            return f"it started more than {limits.processes} processes"
        if memory > limits.memory:
            return f"it took more than {limits.memory / 2**30:g} GiB of memory"
        if files > limits.files:
            return f"it left more than {limits.files:,} files"


def _ended(code, limits):
    """Tell from an exit code what ended it; bubblewrap adds 128 to a signal's number."""
    number = -code if code < 0 else code - 128
    if number == signal.SIGXCPU:
        return f"it took more than {limits.cpu} s of computing"
    return "something outside of the grader ended it" if number in FROM_OUTSIDE else ""


def _usage(pid, enough):
    """Count the threads of a process and of all that come from it, their bytes and their files in /tmp.

    It stops at ``enough`` threads.
    """
    waiting, threads, memory, files = [pid], 0, 0, 0
    while waiting and threads <= enough:
        pid = waiting.pop()
        try:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
            threads += int(status["Threads"])
            memory += 1024 * sum(int(status[name].split()[0]) for name in ("VmRSS", "VmSwap") if name in status)
            files = max(files, _files(f"/proc/{pid}/root/tmp"))
        except OSError:
            continue  # it has ended, or this is not Linux
        finally:
            waiting += _children(pid)
    return threads, memory, files


def _files(folder):
    """Count the files on a sandbox's ``/tmp``; 0 if it is everybody's."""
    try:
        if os.stat(folder).st_dev == os.stat("/tmp").st_dev:
            return 0
        found = os.statvfs(folder)
    except OSError:
        return 0  # not there yet
    return found.f_files - found.f_ffree


def _children(pid):
    """List the processes that a process has started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:
            continue
    return found


def end_all():
    """End at once whatever runs apart from this process."""
    for pid in _children(os.getpid()):
        _kill(os.killpg, pid)


def _kill(kill, pid):
    with contextlib.suppress(ProcessLookupError):
        kill(pid, signal.SIGKILL)
