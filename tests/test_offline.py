"""After installation nothing reaches for the network: conftest.py refuses it to every Python that a test starts.

So nbval, which runs each lesson anew, proves of each that it runs offline. Here: that a refusal is one.
"""

import subprocess
import sys

import nbformat
import pytest

from tools import notebooks

ELSEWHERE = "192.0.2.1"  # an address of nobody, by RFC 5737
TRIES = {
    "connect": f"socket.socket().connect(({ELSEWHERE!r}, 80))",
    "send": f"socket.socket(type=socket.SOCK_DGRAM).sendto(b'hello', ({ELSEWHERE!r}, 53))",
    "look up": "socket.getaddrinfo('example.org', 80)",
    "fetch": "__import__('urllib.request').request.urlopen('https://example.org')",
    "IPv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
}
LOOPBACK = """
server = socket.create_server(("localhost", 0))
socket.create_connection(server.getsockname())
socket.create_connection(("localhost", server.getsockname()[1]))
"""


@pytest.mark.parametrize("code", TRIES.values(), ids=TRIES)
def test_every_way_out_is_refused(code):
    done = subprocess.run([sys.executable, "-c", f"import socket; {code}"], capture_output=True, text=True)
    assert done.returncode == 1 and "no network here" in done.stderr


def test_a_lessons_kernel_is_refused_too_and_may_still_talk_to_itself(tmp_path):
    attempt = f"import socket\ntry:\n    {TRIES['connect']}\nexcept PermissionError as error:\n    print(error)"
    cells = [nbformat.v4.new_code_cell(source) for source in (attempt, f"import socket{LOOPBACK}print('here')")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebooks.run(notebook, tmp_path)
    assert [cell.outputs[0].text for cell in notebook.cells] == [f"no network here: {ELSEWHERE}\n", "here\n"]
