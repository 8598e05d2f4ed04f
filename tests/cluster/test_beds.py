"""The test bed does what a node does: pods run, users have their rights, the parts can be restarted."""

import json
import pathlib
import subprocess

import pytest

from tests.cluster import beds, control_plane, images, manifests, users

READY = "--for=condition=Ready"
WAIT = "--timeout=60s"


def run(bed: beds.Bed, namespace: str, manifest: manifests.Manifest) -> None:
    """Create a pod and wait until it is ready."""
    bed.apply({**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}})
    bed.admin("wait", READY, f"pod/{manifest['metadata']['name']}", "--namespace", namespace, WAIT)


@pytest.mark.parametrize(
    "image", [manifests.BUSYBOX, manifests.DISTROLESS, manifests.NONROOT, manifests.NGINX], ids=lambda name: name
)
def test_every_image_runs(bed: beds.Bed, namespace: str, image: str) -> None:
    """Each home-made image makes a pod that becomes ready."""
    run(bed, namespace, manifests.pod("p", manifests.container(image)))


def test_exec_needs_a_shell_in_the_image(bed: beds.Bed, kubectl: beds.Kubectl, namespace: str) -> None:
    """A command runs in busybox; the distroless image has no shell to run one with."""
    both = (manifests.container(), {**manifests.container(manifests.DISTROLESS), "name": "bare"})
    run(bed, namespace, manifests.pod("p", *both))
    done = kubectl("dev", "exec", "p", "-c", "main", "-n", namespace, "--", "sh", "-c", "echo $((6 * 7))")
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
    refused = kubectl("dev", "exec", "p", "-c", "bare", "-n", namespace, "--", "sh", "-c", "true")
    assert refused.returncode != 0
    assert "executable file not found" in refused.stderr


def test_the_image_says_which_user_runs(bed: beds.Bed, kubectl: beds.Kubectl, namespace: str) -> None:
    """The uid comes from the image where the pod names none."""
    both = (manifests.container(), {**manifests.container(manifests.NONROOT), "name": "nonroot"})
    run(bed, namespace, manifests.pod("p", *both))
    seen = [kubectl("dev", "exec", "p", "-c", name, "-n", namespace, "--", "id", "-u") for name in ("main", "nonroot")]
    assert [done.stdout.strip() for done in seen] == ["0", "65532"]


def test_copies_files_in_and_out(bed: beds.Bed, kubectl: beds.Kubectl, namespace: str, tmp_path: pathlib.Path) -> None:
    """What kubectl cp puts into a container comes out the same."""
    run(bed, namespace, manifests.pod("p"))
    sent, fetched = tmp_path / "sent", tmp_path / "fetched"
    sent.write_bytes(bytes(range(256)) * 64)
    inward = kubectl("dev", "cp", str(sent), f"{namespace}/p:/tmp/file")
    outward = kubectl("dev", "cp", f"{namespace}/p:/tmp/file", str(fetched))
    assert (inward.returncode, outward.returncode) == (0, 0), inward.stderr + outward.stderr
    assert fetched.read_bytes() == sent.read_bytes()


def test_a_read_only_root_filesystem_refuses_writes(bed: beds.Bed, kubectl: beds.Kubectl, namespace: str) -> None:
    """EROFS on the root file system, while an emptyDir stays writable."""
    sealed = manifests.container(
        securityContext={"readOnlyRootFilesystem": True}, volumeMounts=[{"name": "work", "mountPath": "/work"}]
    )
    run(bed, namespace, manifests.pod("p", sealed, volumes=[{"name": "work", "emptyDir": {}}]))
    refused = kubectl("dev", "exec", "p", "-n", namespace, "--", "touch", "/etc/x")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr
    assert kubectl("dev", "exec", "p", "-n", namespace, "--", "touch", "/work/x").returncode == 0


def test_the_nginx_image_dies_where_it_cannot_write(bed: beds.Bed, kubectl: beds.Kubectl, namespace: str) -> None:
    """Without a writable /var/cache/nginx it ends with an exit code and says why."""
    sealed = manifests.container(manifests.NGINX, securityContext={"readOnlyRootFilesystem": True})
    bed.apply({**manifests.pod("p", sealed, restartPolicy="Never"), "metadata": {"name": "p", "namespace": namespace}})
    bed.admin("wait", "--for=jsonpath={.status.phase}=Failed", "pod/p", "-n", namespace, WAIT)
    assert "cannot write to /var/cache/nginx or /run" in kubectl("dev", "logs", "p", "-n", namespace).stdout


def test_debug_adds_a_container_to_a_running_pod(bed: beds.Bed, kubectl: beds.Kubectl, namespace: str) -> None:
    """An ephemeral container with a shell joins a pod that has none, and shares its process namespace."""
    run(bed, namespace, manifests.pod("p", manifests.container(manifests.DISTROLESS)))
    options = ("--image", manifests.BUSYBOX, "--image-pull-policy=Never", "--target=main", "--container=look")
    done = kubectl(
        "admin", "debug", "p", "-n", namespace, *options, "--attach", "--", "sh", "-c", "cat /proc/1/cmdline; echo"
    )
    assert done.returncode == 0, done.stderr
    bed.admin(
        "wait",
        "--for=jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}=0",
        "pod/p",
        "-n",
        namespace,
        WAIT,
    )
    assert "/bin/wait" in kubectl("admin", "logs", "p", "-c", "look", "-n", namespace).stdout


def test_a_deployments_pod_becomes_ready(bed: beds.Bed, namespace: str) -> None:
    """Controllers make the pod, the scheduler places it, its exec probe passes."""
    probe = {"exec": {"command": ["test", "-f", "/run/nginx.pid"]}, "periodSeconds": 1}
    template = manifests.pod("web", manifests.container(manifests.NGINX, readinessProbe=probe))
    web = manifests.deployment("web", template)
    bed.apply({**web, "metadata": {"name": "web", "namespace": namespace}})
    bed.admin("rollout", "status", "deployment/web", "-n", namespace, WAIT)


def test_an_imported_image_runs(bed: beds.Bed, namespace: str, tmp_path: pathlib.Path) -> None:
    """A test can bring an image of its own."""
    waits = images.Entry("bin/wait", (bed.layout.executables / "wait").read_bytes())
    images.write([images.Image("podseal.test/own:1", (waits,), ("/bin/wait",))], tmp_path / "own.tar")
    bed.import_images(tmp_path / "own.tar")
    run(bed, namespace, manifests.pod("p", manifests.container("podseal.test/own:1")))


def test_images_can_be_pinned_by_their_digest(bed: beds.Bed, namespace: str) -> None:
    """The reference with a digest, with and without the tag, finds the image on the node."""
    pinned = bed.pinned(manifests.BUSYBOX)
    repository, digest = pinned.split("@")
    run(bed, namespace, manifests.pod("bare", manifests.container(pinned)))
    run(bed, namespace, manifests.pod("tagged", manifests.container(f"{repository}:1@{digest}")))


def test_pods_reach_the_api_server_with_their_service_account(bed: beds.Bed, namespace: str) -> None:
    """The token and the root CA that a pod is given open the Service `kubernetes` from the pod's network."""
    run(bed, namespace, manifests.pod("p"))
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    token = bed.admin("exec", "p", "-n", namespace, "--", "cat", f"{account}/token")
    address = bed.admin("exec", "p", "-n", namespace, "--", "sh", "-c", "echo $KUBERNETES_SERVICE_HOST").strip()
    identity = bed.admin(
        "get", "pod", "p", "-n", namespace, "-o", "jsonpath={.status.containerStatuses[0].containerID}"
    )
    process = (bed.layout.bundles / identity.removeprefix("containerd://") / "init.pid").read_text()
    done = subprocess.run(
        [
            *("nsenter", "--target", process, "--net", bed.layout.executables / "kubectl", "auth", "whoami"),
            *(f"--server=https://{address}", f"--token={token}", "--output=json", "--kubeconfig=/dev/null"),
            f"--certificate-authority=/proc/{process}/root{account}/ca.crt",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"


RIGHTS = """
admin     delete  nodes                             yes
dev       create  pods                              yes
dev       create  pods/exec                         yes
dev       patch   namespaces                        no
viewer    get     pods                              yes
viewer    create  pods                              no
viewer    create  pods/exec                         no
labeller  patch   namespaces                        yes
granter   patch   namespaces                        yes
stranger  get     pods                              no
""".strip().splitlines()


@pytest.mark.parametrize("row", RIGHTS, ids=lambda row: " ".join(row.split()))
def test_users_have_their_rights(bed: beds.Bed, namespace: str, row: str) -> None:
    """RBAC says yes and no as the table of users does."""
    user, verb, resource, *name, expected = row.split()
    assert can(bed, user, namespace, verb, resource, *name) == (expected == "yes")


def can(bed: beds.Bed, user: str, namespace: str, *asked: str) -> bool:
    """Ask the API server whether the user may; `asked` is verb, resource[.group][/subresource] and perhaps a name.

    `kubectl auth can-i` cannot be asked: it takes a resource that the API server does not serve for one of no group.
    """
    verb, full, *name = asked
    kind, _, subresource = full.partition("/")
    resource, _, group = kind.partition(".")
    attributes = {"namespace": namespace, "verb": verb, "resource": resource, "group": group}
    attributes |= {"subresource": subresource, "name": "".join(name)}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = bed.kubectl(user, "create", f"--raw={path}", "--filename=-", stdin=json.dumps(review))
    assert answer.returncode == 0, answer.stderr
    return bool(json.loads(answer.stdout)["status"]["allowed"])


def test_no_right_reaches_another_namespace(bed: beds.Bed, namespace: str) -> None:
    """A role that a test's namespace gives holds there alone."""
    del namespace
    for user in users.PEOPLE[1:]:
        assert not can(bed, user.name, "default", "get", "pods"), user.name


def test_the_api_server_restarts_on_its_port(bed: beds.Bed, kubectl: beds.Kubectl, namespace: str) -> None:
    """Objects survive, the same kubeconfig works, and in between nothing answers."""
    run(bed, namespace, manifests.pod("p"))
    bed.stop_api_server()
    try:
        assert not bed.api_server_ready()
        assert kubectl("dev", "get", "pods", "-n", namespace).returncode != 0
    finally:
        bed.start_api_server()
    assert kubectl("dev", "get", "pod", "p", "-n", namespace).returncode == 0


def test_a_program_that_ends_is_named_with_its_last_words(bed: beds.Bed) -> None:
    """Waiting for a program that has died says so at once instead of running into the deadline."""
    bed.stop_program(control_plane.SCHEDULER)
    try:
        with pytest.raises(RuntimeError, match="kube-scheduler has ended: "):
            bed.await_program(control_plane.SCHEDULER, lambda: False)
    finally:
        bed.start_program(control_plane.SCHEDULER)
