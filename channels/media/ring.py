"""A batch of socket calls on many sockets as one system call: io_uring (Linux 5.18 on) through ctypes.

recvmmsg and sendmmsg batch the packets of one socket; here every leg has a socket of its own, as symmetric RTP wants
it, so only a ring batches. Entries are records of a numpy matrix. Every request says MSG_DONTWAIT, so all of a batch
has completed when the call returns: nothing is ever left in flight, and one thread needs no memory barriers.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from typing import Final

import numpy as np
import numpy.typing as npt

SEND: Final = 9
"""IORING_OP_SENDMSG."""
RECEIVE: Final = 10
"""IORING_OP_RECVMSG."""
DO_NOT_WAIT: Final = 0x40
"""MSG_DONTWAIT."""

ENTRY: Final = np.dtype(
    [
        *(("opcode", "u1"), ("flags", "u1"), ("priority", "u2"), ("descriptor", "i4"), ("offset", "u8")),
        *(("address", "u8"), ("length", "u4"), ("message_flags", "u4"), ("user", "u8"), ("rest", "V24")),
    ]
)
"""struct io_uring_sqe."""

_SETUP: Final = 425
_ENTER: Final = 426
_SUBMIT_ALL: Final = 1 << 7
_GET_EVENTS: Final = 1
_SUBMISSIONS_AT: Final = 0x10000000
_LARGEST: Final = 4096
_COMPLETION: Final = np.dtype([("user", "u8"), ("result", "i4"), ("flags", "u4")])

_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Offsets(ctypes.Structure):
    """struct io_sqring_offsets; of io_cqring_offsets all but ``dropped`` and ``array``: overflow and cqes there."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("head", "tail", "mask", "entries", "flags_or_overflow")),
        *((name, ctypes.c_uint32) for name in ("dropped_or_entries_at", "array", "reserved")),
        ("user_address", ctypes.c_uint64),
    )


class _Parameters(ctypes.Structure):
    """struct io_uring_params."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("submissions", "completions", "flags", "cpu", "idle", "features")),
        *((name, ctypes.c_uint32) for name in ("workers", "reserved_1", "reserved_2", "reserved_3")),
        ("submission", _Offsets),
        ("completion", _Offsets),
    )


class Ring:
    """One submission and completion queue; a batch larger than it is carried out in parts."""

    def __init__(self, size: int) -> None:
        """Make room for batches of *size*, at best; raises OSError where the kernel or a sandbox has no rings."""
        parameters = _Parameters()
        parameters.flags = _SUBMIT_ALL
        entries = 1 << (min(max(size, 2), _LARGEST) - 1).bit_length()
        self._descriptor = _call(_SETUP, entries, ctypes.byref(parameters))
        self._size: int = parameters.submissions
        try:
            submission, completion = parameters.submission, parameters.completion
            completions_at = completion.dropped_or_entries_at
            end = max(
                submission.array + 4 * parameters.submissions,
                completions_at + _COMPLETION.itemsize * parameters.completions,
            )
            queue = np.frombuffer(mmap.mmap(self._descriptor, end), np.uint8)
            entries_map = mmap.mmap(self._descriptor, ENTRY.itemsize * self._size, offset=_SUBMISSIONS_AT)
        except OSError:
            self.close()
            raise
        self._entries = np.frombuffer(entries_map, ENTRY)
        self._tail = queue[submission.tail :][:4].view(np.uint32)
        self._done_head = queue[completion.head :][:4].view(np.uint32)
        self._done_tail = queue[completion.tail :][:4].view(np.uint32)
        self._done = queue[completions_at:][: _COMPLETION.itemsize * parameters.completions].view(_COMPLETION)
        queue[submission.array :][: 4 * self._size].view(np.uint32)[:] = np.arange(self._size)

    def carry_out(self, entries: npt.NDArray[np.void]) -> npt.NDArray[np.int32]:
        """Carry out *entries* (`ENTRY` [n]); return for each the octets done, or a negative errno."""
        results = np.empty(len(entries), np.int32)
        for start in range(0, len(entries), self._size):
            part = entries[start : start + self._size]
            self._submit(part, results[start : start + len(part)])
        return results

    def close(self) -> None:
        """Give the ring back to the kernel."""
        os.close(self._descriptor)

    def _submit(self, entries: npt.NDArray[np.void], results: npt.NDArray[np.int32]) -> None:
        count = len(entries)
        places = (int(self._tail[0]) + np.arange(count)) % self._size
        self._entries[places] = entries
        self._entries["user"][places] = np.arange(count)
        self._tail += np.uint32(count)
        _call(_ENTER, self._descriptor, count, count, _GET_EVENTS, 0, 0)
        head = int(self._done_head[0])
        finished = self._done[(head + np.arange(count)) % len(self._done)]
        self._done_head += np.uint32(count)
        results[finished["user"]] = finished["result"]


def _call(number: int, *arguments: object) -> int:
    while True:
        result: int = _libc.syscall(number, *arguments)
        if result >= 0:
            return result
        code = ctypes.get_errno()
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
