"""Which tier a kernel permits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_monitor.kernel import tiers
from runtime_monitor.kernel.libbpf import KernelError
from runtime_monitor.kernel.tiers import Tier


def _refusing(*refused: Tier) -> Callable[[Tier], None]:
    def trial(tier: Tier) -> None:
        if tier in refused:
            raise KernelError(f"loading hooks.bpf.o: Operation not permitted\nthe verifier's words about {tier}")

    return trial


@pytest.mark.parametrize(
    ("modules", "refused", "chosen", "reason"),
    [
        ("lockdown,yama,bpf\n", (), Tier.LSM, ""),
        ("lockdown,yama\n", (), Tier.FENTRY, "lsm: bpf is not among the active security modules"),
        (None, (), Tier.FENTRY, "lsm: bpf is not among the active security modules"),
        ("bpf", (Tier.LSM,), Tier.FENTRY, "lsm: loading hooks.bpf.o: Operation not permitted"),
        (
            "bpf",
            (Tier.LSM, Tier.FENTRY),
            Tier.TRACEPOINT,
            "lsm: loading hooks.bpf.o: Operation not permitted; fentry: loading hooks.bpf.o: Operation not permitted",
        ),
    ],
    ids=["lsm", "no bpf among the modules", "no securityfs", "lsm refused", "no trampolines"],
)
def test_the_best_that_works_is_chosen_and_says_why_no_better(
    tmp_path: Path, modules: str | None, refused: tuple[Tier, ...], chosen: Tier, reason: str
) -> None:
    """One line of each reason: the log line carries it."""
    if modules is not None:
        (tmp_path / "lsm").write_text(modules)
    assert tiers.choose(_refusing(*refused), tmp_path / "lsm") == (chosen, reason)


def test_the_same_program_attaches_to_the_hook_or_to_its_caller() -> None:
    """By name alone."""
    assert tiers.function_of(Tier.LSM, "inode_unlink") == "bpf_lsm_inode_unlink"
    assert tiers.function_of(Tier.FENTRY, "inode_unlink") == "security_inode_unlink"
