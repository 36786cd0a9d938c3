"""Takes from a process what student code has no use for: new processes, the network, signals, uncounted memory.

A seccomp filter, installed by the process itself, kept by all that comes of it, and never lifted; on Linux, x86-64 and
aarch64. Limits of time and memory are looked after from outside; a fork bomb is faster than anyone who looks.

Memory is what the process has mapped. So everything is refused in which the kernel keeps data that is mapped nowhere:
files without a name, shared memory, message queues, pages in pipes, watches of files. Signals are refused so that a
process which was killed was killed from outside.
"""

import ctypes
import errno
import platform
import struct
import sys

NUMBERS = {  # of system calls; all but the first four are refused, whatever their arguments
    "x86_64": {
        **{"clone": 56, "clone3": 435, "socket": 41, "mmap": 9},
        **{"fork": 57, "vfork": 58, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "unshare": 272},
        **{"setns": 308, "mount": 165, "umount2": 166, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323},
        **{"io_uring_setup": 425, "keyctl": 250, "add_key": 248, "request_key": 249, "kexec_load": 246},
        **{"memfd_create": 319, "memfd_secret": 447, "shmget": 29, "shmat": 30, "semget": 64, "msgget": 68},
        **{"mq_open": 240, "vmsplice": 278, "splice": 275, "tee": 276, "inotify_init": 253, "inotify_init1": 294},
        **{"fanotify_init": 300, "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129},
        **{"rt_tgsigqueueinfo": 297, "pidfd_send_signal": 424},
    },
    "aarch64": {
        **{"clone": 220, "clone3": 435, "socket": 198, "mmap": 222},
        **{"ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "unshare": 97},
        **{"setns": 268, "mount": 40, "umount2": 39, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282},
        **{"io_uring_setup": 425, "keyctl": 219, "add_key": 217, "request_key": 218, "kexec_load": 104},
        **{"memfd_create": 279, "memfd_secret": 447, "shmget": 194, "shmat": 196, "semget": 190, "msgget": 186},
        **{"mq_open": 180, "vmsplice": 75, "splice": 76, "tee": 77, "inotify_init1": 26, "fanotify_init": 262},
        **{"kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240},
        **{"pidfd_send_signal": 424},
    },
}
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD, IF_EQUAL, IF_AT_LEAST, IF_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions of the filter's machine
NUMBER, MACHINE, FIRST_ARGUMENT, FOURTH_ARGUMENT = 0, 4, 16, 40  # where what is looked at lies
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
THREAD, LOCAL_SOCKET, SHARED, NO_FILE = 0x00010000, 1, 1, 32
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2


def program(machine):
    """Return the filter as bytes, eight for an instruction."""
    numbers = dict(NUMBERS[machine])
    clone, clone3, socket, mmap = (numbers.pop(name) for name in ("clone", "clone3", "socket", "mmap"))
    lines = [
        (LOAD, 0, 0, MACHINE),
        (IF_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),  # another machine's numbers
        (LOAD, 0, 0, NUMBER),
        (IF_AT_LEAST, 0, 1, 0x40000000),
        (RETURN, 0, 0, KILL),  # x86-64's second set of numbers
        (IF_EQUAL, 0, 1, clone3),
        (RETURN, 0, 0, REFUSE | errno.ENOSYS),  # its arguments cannot be seen; the C library then takes clone
        (IF_EQUAL, 0, 4, clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (IF_BIT, 1, 0, THREAD),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
        (IF_EQUAL, 0, 4, socket),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (IF_EQUAL, 1, 0, LOCAL_SOCKET),
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
        (IF_EQUAL, 0, 5, mmap),
        (LOAD, 0, 0, FOURTH_ARGUMENT),
        (IF_BIT, 0, 2, SHARED),
        (IF_BIT, 0, 1, NO_FILE),  # shared memory, whose pages stay when the map of them is made smaller
        (RETURN, 0, 0, REFUSE | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
    for number in numbers.values():
        lines += [(IF_EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | errno.EPERM)]
    lines.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def restrict():
    """Install the filter; return whether there is one for this machine."""
    machine = platform.machine()
    if sys.platform != "linux" or machine not in NUMBERS:
        return False
    code = program(machine)
    code = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    restriction = Program(len(code) // 8, ctypes.addressof(code))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for arguments in ((NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SECCOMP, FILTER, ctypes.byref(restriction), 0, 0)):
        if prctl(*arguments):
            raise OSError(ctypes.get_errno(), "the filter of system calls could not be installed")
    return True
