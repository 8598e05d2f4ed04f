"""The numbers of bpf/events.h: kinds of records, hooks, and flags. A test compares them with the header.

Kinds and flags are plain numbers: the operators of Python's enums cost more than all the rest of decoding.
"""

import enum


class Kind:
    """`enum kind`: what a record is about."""

    EXEC = 1
    EXIT = 2
    OPEN = 3
    FILE = 4
    NAME = 5
    SUMMARY = 6
    CALL = 7
    URING = 8
    HOOK = 9
    DESCRIPTOR = 10


class Hook(enum.IntEnum):
    """`enum hook`: the hooks of the trampoline tier, by the call that does what they see."""

    NONE = 0
    OPEN = 1
    UNLINK = 2
    RMDIR = 3
    MKDIR = 4
    MKNOD = 5
    SYMLINK = 6
    LINK = 7
    RENAME = 8
    SETXATTR = 9
    REMOVEXATTR = 10
    CHMOD = 11
    CHOWN = 12
    TRUNCATE = 13


class Flag:
    """`enum flag`; the header says what each means."""

    FAILED = 1 << 0
    UPPER = 1 << 1
    MEMFD = 1 << 2
    DELETED = 1 << 3
    CREATED = 1 << 4
    PATH_CUT = 1 << 5
    COMPAT = 1 << 6
    TREE = 1 << 7
    PROVISIONAL = 1 << 8
    ENTRY = 1 << 9
    FIRST = 1 << 10
    IN_CGROUP = 1 << 11
    ESCAPE = 1 << 12
    OBJECT = 1 << 13
    ON_ROOT = 1 << 14
    WRITE = 1 << 15
    SCRIPT = 1 << 16
    LAST = 1 << 17
    ANONYMOUS = 1 << 18
    WRITABLE = 1 << 19
    OVERLAY = 1 << 20
    GROUP_LEADER = 1 << 21
