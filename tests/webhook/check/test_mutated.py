"""The diff of --show-mutated."""

from webhook.check import mutated
from webhook.policy import model, pod

TREE = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}


def test_the_diff_shows_what_is_added_in_the_order_of_the_file() -> None:
    """Unified, without file headers, and the tree stays as it was."""
    typed = pod.Pod(pod.Metadata(name="web"), pod.PodSpec(containers=[pod.Container("web", "nginx")]))
    edits = (model.SetReadOnlyRoot("containers", 0),)
    assert mutated.diff(TREE, typed, edits).split("\n") == [
        "@@ -4,3 +4,5 @@",
        "   containers:",
        "   - name: web",
        "     image: nginx",
        "+    securityContext:",
        "+      readOnlyRootFilesystem: true",
    ]
    assert "securityContext" not in TREE["spec"]["containers"][0]  # type: ignore[index]  # a literal of mixed types
