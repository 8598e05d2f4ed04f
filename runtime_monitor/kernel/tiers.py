"""Which tier this kernel permits: where calls by name are seen, as resolved objects or as arguments.

In: the kernel's types, the list of security modules, and a trial that loads and attaches one tier's hooks. Out: a Tier.
Called by `sensor`. `lsm`: BPF is among the security modules; `fentry`: trampolines on the functions that call them;
`tracepoint`: neither, which every kernel with BTF can.
"""

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runtime_monitor.kernel.btf import KIND_FUNCTION, KIND_TYPEDEF, Types
from runtime_monitor.kernel.libbpf import KernelError

MODULES: Final = Path("/sys/kernel/security/lsm")
"""The active security modules, by comma; absent where securityfs is not mounted, and then no LSM program is tried."""
HOOKS: Final = "lsm/"
"""Programs of this kind of section belong to the two upper tiers; libbpf calls the others `tp_btf/<trace point>`."""
CALLED: Final = "syscall"
"""The section of a program that is attached to nothing: user space runs it."""


class Tier(enum.StrEnum):
    """By which way calls by name are seen, the best first."""

    LSM = "lsm"
    FENTRY = "fentry"
    TRACEPOINT = "tracepoint"


def can_attach(types: Types, tier: Tier, section: str) -> bool:
    """Whether a program of this section has something to attach to in this kernel and tier, or needs nothing."""
    if section == CALLED:
        return True
    _, _, name = section.partition("/")
    if not section.startswith(HOOKS):
        return types.has(f"btf_trace_{name}", KIND_TYPEDEF)
    return tier is not Tier.TRACEPOINT and types.has(function_of(tier, name), KIND_FUNCTION)


def function_of(tier: Tier, hook: str) -> str:
    """The kernel's function that a hook's program attaches to."""
    return f"bpf_lsm_{hook}" if tier is Tier.LSM else f"security_{hook}"


def choose(trial: Callable[[Tier], None], modules: Path = MODULES) -> tuple[Tier, str]:
    """The best tier whose trial succeeds, and why no better one: empty for the best."""
    reasons = []
    for tier in (Tier.LSM, Tier.FENTRY):
        if tier is Tier.LSM and not (modules.exists() and "bpf" in modules.read_text().strip().split(",")):
            reasons.append("lsm: bpf is not among the active security modules")
            continue
        try:
            trial(tier)
        except KernelError as error:
            reasons.append(f"{tier}: {str(error).splitlines()[0]}")
            continue
        return tier, "; ".join(reasons)
    return Tier.TRACEPOINT, "; ".join(reasons)
