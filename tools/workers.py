"""Who carries out the runs of a study: every core of this machine, or the workers of a Dask cluster (``DASK=``).

Both give an ``each`` for `tools.study.study`, such as `map`: a function and a list to results, as they come.
"""

import multiprocessing
import os
import signal
import threading
from concurrent import futures
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib.util import find_spec


def chosen():
    """Choose by the environment: ``DASK=host:port`` is a scheduler, ``DASK=local`` a cluster of one's own."""
    address = os.environ.get("DASK")
    return on_dask(address) if address else on_every_core()


def cores():
    """Count the cores that this process may use: a cluster often gives it a few of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def train_beside_others():
    """Prepare a process that trains beside others: on one thread; it ends with its parent, who alone minds Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=lambda: (multiprocessing.parent_process().join(), os._exit(1)), daemon=True).start()
    one_thread()


def one_thread():
    """Let TensorFlow compute on one thread in this process; it must not have been used, unless on one thread."""
    from seqlib.backend import tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


@contextmanager
def on_every_core(count=None, prepare=train_beside_others):
    """Give an ``each`` that does a run on every core, in processes that end with the block.

    If one of them is killed, all begin anew with what is not done yet. A second kill before any run is done is an
    error: the run itself may be what kills it.
    """
    spawn = multiprocessing.get_context("spawn")

    def each(do, left):
        left = list(left)
        while left:
            pool = ProcessPoolExecutor(count or cores(), spawn, prepare)
            submitted = {pool.submit(do, item): i for i, item in enumerate(left)}
            done = set()
            for future in futures.as_completed(submitted):
                try:
                    result = future.result()
                except BrokenProcessPool:
                    continue
                done.add(submitted[future])
                yield result
            pool.shutdown()  # waits until none of its processes is left
            if not done:
                raise ChildProcessError("a process was killed before it finished a run: is memory short?")
            left = [item for i, item in enumerate(left) if i not in done]

    before = set(multiprocessing.active_children())
    try:
        yield each
    finally:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
            child.join()


@contextmanager
def on_dask(address, prepare=one_thread):
    """Give an ``each`` that does the runs on the workers of a Dask cluster, one at a time on each.

    Dask repeats the runs of a worker that was killed, four times at most.

    Parameters
    ----------
    address : str
        "host:port" of a scheduler, or "local": then one starts here, with a worker on every core.
    prepare : callable
        Called in the worker before each run.
    """
    from distributed import Client, LocalCluster, as_completed

    shows, local = find_spec("bokeh") is not None, address == "local"
    here = {"n_workers": cores(), "threads_per_worker": 1, "dashboard_address": ":8787" if shows else ":0"}
    with LocalCluster(**here) if local else nullcontext(address) as cluster, Client(cluster) as client:
        print(f"Dask's dashboard: {client.dashboard_link}" if shows else "Dask's dashboard needs bokeh: install it")

        def each(do, left):
            for future in as_completed(client.map(partial(prepared, prepare, do), left, pure=False)):
                result = future.result()
                future.release()  # or it is done again if the worker that keeps the result dies
                yield result

        yield each


def prepared(prepare, do, item):
    """Do something in a process that is prepared first."""
    prepare()
    return do(item)
