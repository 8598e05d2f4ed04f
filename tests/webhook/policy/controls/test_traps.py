"""What admission webhooks get wrong about pods, and the test or case here that shows that podseal does not.

The numbers are those of the list of 28 traps in the project's research. Those left out concern the protocol, patches,
exec and installation, and are tested where these are.
"""

import ast
from pathlib import Path

import pytest

from tests.webhook.policy.controls import cases

CASES = {case.id for case in cases.load()}
POLICY = Path(__file__).resolve().parent.parent
TRAPS: dict[int, tuple[str, tuple[str, ...]]] = {
    1: (
        "uid 0 is effective, inherited, unknown, or said beside runAsNonRoot",
        (
            "run-as-root/deny/container-uid-0",
            "run-as-root/deny/uid-0-beside-run-as-non-root",
            "run-as-root/deny/container-uid-0-wins-over-the-pods",
            "run-as-root/deny/pod-uid-0-inherited",
            "run-as-root/deny/pod-uid-0-overridden-everywhere",
            "run-as-root/deny/unknown-uid",
            "run-as-root/admit/uid-0-in-a-user-namespace",
            "test_containers.py::test_the_containers_value_wins_where_it_is_not_null",
        ),
    ),
    2: (
        "a read-only root means nothing where it can be remounted or bypassed",
        (
            "test_decide.py::test_a_privileged_container_is_refused_though_its_root_is_read_only",
            "capabilities/deny/each-that-undoes-immutability",
            "host-path/deny/a-runtimes-socket-read-only",
            "host-namespaces/deny/host-pid",
        ),
    ),
    3: (
        "the API server refuses allowPrivilegeEscalation: false beside privileged or SYS_ADMIN",
        ("privilege-escalation/deny/beside-privileged", "privilege-escalation/deny/beside-sys-admin"),
    ),
    4: (
        "Windows pods have no Linux fields, and spec.os is the author's word",
        (
            "writable-root-filesystem/admit/windows-has-no-such-field",
            "privilege-escalation/admit/windows-has-no-such-field",
            "seccomp/admit/windows-has-no-such-field",
            "capabilities/admit/windows-drops-nothing",
            "capabilities/deny/sys-admin-for-windows",
            "seccomp/deny/unconfined-for-windows",
            "privileged/deny/privileged-for-windows",
            "run-as-root/deny/windows-administrator",
            "host-process/deny/container",
            "host-process/deny/without-an-os",
        ),
    ),
    5: (
        "a native sidecar is an init container that stays",
        (
            "controls/test_controls.py::test_a_case_is_judged_alike_in_every_workload",
            "test_containers.py::test_a_native_sidecar_is_an_init_container_that_restarts",
        ),
    ),
    6: (
        "ephemeral containers come as an UPDATE, cannot be removed, and only the new ones count",
        (
            "controls/test_controls.py::test_a_new_ephemeral_container_is_judged_alone",
            "test_decide.py::test_only_the_new_one_is_judged",
            "test_decide.py::test_what_it_inherits_is_judged",
            "test_decide.py::test_a_copy_of_an_old_name_with_other_contents_is_new",
            "test_decide.py::test_an_old_ephemeral_container_blocks_nothing",
            "host-path/deny/mounted-by-an-ephemeral-container",
        ),
    ),
    7: (
        "an UPDATE counts only where images change; other subresources pass, unknown ones do not",
        (
            "test_decide.py::test_without_a_new_image_it_passes",
            "test_decide.py::test_with_a_new_image_the_whole_pod_is_judged",
            "test_decide.py::test_nothing_is_mutated",
            "test_decide.py::test_what_changes_nothing_that_runs_is_let_pass",
            "test_decide.py::test_an_unknown_subresource_is_judged",
        ),
    ),
    11: (
        "the API server sets defaults before it asks a webhook, `check` sees the file without them",
        ("host-ports/deny/implied-by-host-network", "volume-types/deny/no-known-kind"),
    ),
    17: (
        "the object may have neither name nor namespace yet",
        ("test_decide.py::test_a_pod_without_a_name_is_named_by_its_prefix",),
    ),
    19: (
        "a mirror pod is not patched, and its annotation can be forged",
        ("test_decide.py::test_a_mirror_pod_is_judged_as_it_is",),
    ),
    20: (
        "templates are judged wherever they lie, may be null, and are warned of, not denied",
        (
            "test_workloads.py::test_the_pod_is_found_where_the_prefix_says",
            "test_workloads.py::test_a_template_may_be_null_at_any_depth",
            "test_decide.py::test_only_what_is_enforced_denies",
            "test_decide.py::test_a_template_hears_only_of_what_its_pods_will_lack",
        ),
    ),
    27: (
        "labels, annotations and owners that a pod's author writes exempt nothing",
        ("test_decide.py::test_what_the_author_of_a_pod_writes_exempts_nothing",),
    ),
}
PAIRS = [(number, place) for number, (_, places) in TRAPS.items() for place in places]


@pytest.mark.parametrize(("number", "place"), PAIRS)
def test_a_trap_has_the_tests_that_the_table_names(number: int, place: str) -> None:
    """A case file, or a test function of a file beside this folder."""
    file, _, function = place.partition("::")
    if not function:
        assert place in CASES, f"trap {number}: there is no case {place}"
        return
    tree = ast.parse((POLICY / file).read_text())
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert function in names, f"trap {number}: there is no test {place}"
