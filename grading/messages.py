"""What passes between the grader and the sandbox: lines of JSON, each with at most one array of plain numbers.

Nothing here can hold an object, so nothing is ever unpickled; what does not fit is not read.
"""

import json
import math

import numpy as np

KINDS = {
    name: np.dtype(name)
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64")
}
LONGEST_LINE = 2**26
MOST = 100_000  # messages
MOST_AXES = 8


def pack(head, array=None):
    r"""Return a message as bytes: ``head``, a dict that JSON can hold, and perhaps an array.

    Examples
    --------
    >>> pack({"answer": 1}, np.arange(2, dtype="uint8"))
    b'{"answer": 1, "dtype": "uint8", "shape": [2]}\n\x00\x01'
    """
    if array is None:
        return json.dumps(head).encode() + b"\n"
    head = head | {"dtype": array.dtype.name, "shape": list(array.shape)}
    return json.dumps(head).encode() + b"\n" + np.ascontiguousarray(array).tobytes()


def unpack(data, longest=LONGEST_LINE):
    r"""Return the messages in ``data`` as a list of (head, array or None), up to the first that is not one.

    It takes any bytes, and never raises. Lines are read up to ``longest`` bytes, and no more than `MOST` messages.

    Examples
    --------
    >>> unpack(pack({"note": "hello"}) + b"{'rubbish'}\n")
    [({'note': 'hello'}, None)]
    """
    found, at = [], 0
    while at < len(data) and len(found) < MOST:
        end = data.find(b"\n", at, at + longest)
        if end < 0:
            break
        try:
            head = json.loads(data[at:end])
            size = _size(head)
            at = end + 1 + (size or 0)
            if at > len(data):
                break
            array = None
            if size is not None:
                array = np.frombuffer(data[end + 1 : at], KINDS[head["dtype"]]).reshape(head["shape"])
        except Exception:  # whatever a stranger's bytes make json and NumPy raise
            break
        found.append((head, array))
    return found


def _size(head):
    """Return how many bytes of array follow a line, None if there is no array."""
    if not isinstance(head, dict):
        raise TypeError("a message is a dict")
    if "dtype" not in head:
        return None
    shape = head["shape"]
    if not isinstance(shape, list) or len(shape) > MOST_AXES:
        raise TypeError("not a shape")
    if not all(type(length) is int and 0 <= length < 2**32 for length in shape):
        raise ValueError("not a shape")
    return math.prod(shape) * KINDS[head["dtype"]].itemsize
