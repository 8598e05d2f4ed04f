"""What podseal adds to pods, seen from inside the running containers."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster import beds, build, images, manifests
from tests.cluster.e2e import objects, sidecar_webhook

SEEDED = "podseal.test/library/nginx:with-files"
SEED = "/etc/nginx/conf.d"
"""A seed path of nginx in podseal's catalogue."""


def run(bed: beds.Bed, namespace: str, manifest: objects.Manifest) -> objects.Manifest:
    """Create a pod, wait until it is ready, and return it as the API server has it."""
    said = objects.create(bed, namespace, manifest)
    assert said.returncode == 0, said.stderr
    name = f"pod/{manifest['metadata']['name']}"
    bed.admin("wait", "--for=condition=Ready", name, "--namespace", namespace, "--timeout=60s")
    return objects.read(bed, namespace, name)


def inside(bed: beds.Bed, namespace: str, pod: str, *command: str) -> tuple[int, str]:
    """The exit code and the text of a command in a pod's container `main`."""
    said = bed.kubectl("dev", "exec", pod, "--namespace", namespace, "--container=main", "--", *command)
    return said.returncode, said.stdout + said.stderr


def test_a_known_image_runs_on_its_injected_volumes(bed: beds.Bed, guarded: str) -> None:
    """Without a securityContext nginx becomes ready on a read-only root: it writes where the catalogue says."""
    made = run(bed, guarded, manifests.pod("web", manifests.container(image=manifests.NGINX)))
    main = made["spec"]["containers"][0]
    assert main["securityContext"]["readOnlyRootFilesystem"] is True
    injected = {each["mountPath"] for each in main["volumeMounts"] if each["name"].startswith("podseal-")}
    assert "/var/cache/nginx" in injected
    assert injected & {"/run", "/var/run"}
    assert "main=readOnlyRootFilesystem" in made["metadata"]["annotations"]["podseal.dev/mutated"]
    volumes = [each for each in made["spec"]["volumes"] if each["name"].startswith("podseal-")]
    assert all(each["emptyDir"]["sizeLimit"] for each in volumes)
    code, text = inside(bed, guarded, "web", "sh", "-c", "echo x > /etc/planted")
    assert code != 0
    assert "Read-only file system" in text
    assert inside(bed, guarded, "web", "sh", "-c", "echo x > /var/cache/nginx/page")[0] == 0


@pytest.fixture(scope="module")
def seeded(bed: beds.Bed, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bed's nginx with files at a path that it also writes."""
    archive = tmp_path_factory.mktemp("images") / "seeded.tar"
    nginx = next(each for each in images.bed_images(build.find("wait")) if each.reference == manifests.NGINX)
    shipped = (
        images.Entry(SEED.removeprefix("/"), kind=tarfile.DIRTYPE),
        images.Entry(f"{SEED}/default.conf".removeprefix("/"), b"shipped\n", 0o644),
        images.Entry(f"{SEED}/.hidden".removeprefix("/"), b"hidden\n", 0o644),
    )
    images.write([images.Image(SEEDED, (*nginx.entries, *shipped), nginx.command)], archive)
    bed.import_images(archive)
    return SEEDED


def test_a_seed_path_keeps_the_images_files(bed: beds.Bed, guarded: str, seeded: str) -> None:
    """Where the author asks for it, an init container copies what the image ships into the volume that hides it."""
    pod = manifests.pod("seeded", manifests.container(image=seeded))
    pod["metadata"]["annotations"] = {"podseal.dev/writable-paths": f"main={SEED}"}
    made = run(bed, guarded, pod)
    (copier,) = made["spec"]["initContainers"]
    assert copier["name"].startswith("podseal-seed-")
    shown = inside(bed, guarded, "seeded", "cat", f"{SEED}/default.conf", f"{SEED}/.hidden")
    assert shown == (0, "shipped\nhidden\n")
    assert inside(bed, guarded, "seeded", "sh", "-c", f"echo new > {SEED}/default.conf")[0] == 0


def test_a_seed_path_is_left_alone_unasked(bed: beds.Bed, guarded: str, seeded: str) -> None:
    """Without the annotation no empty volume hides the files."""
    run(bed, guarded, manifests.pod("unasked", manifests.container(image=seeded)))
    assert inside(bed, guarded, "unasked", "cat", f"{SEED}/default.conf") == (0, "shipped\n")


def test_a_sidecar_added_after_podseal_is_covered_too(bed: beds.Bed, guarded: str, tmp_path: Path) -> None:
    """A second webhook, called after podseal, adds a container: podseal is invoked again and repairs it."""
    with sidecar_webhook.registered(bed, tmp_path, guarded) as added:
        made = run(bed, guarded, objects.sealed("with-sidecar"))
    sidecar = next(each for each in made["spec"]["containers"] if each["name"] == added)
    assert sidecar["securityContext"]["readOnlyRootFilesystem"] is True
    assert f"{added}=readOnlyRootFilesystem" in made["metadata"]["annotations"]["podseal.dev/mutated"]
    assert any(each["mountPath"] == "/var/cache/nginx" for each in sidecar["volumeMounts"])


def test_debugging_gets_a_read_only_root(bed: beds.Bed, guarded: str) -> None:
    """`kubectl debug` adds an ephemeral container that can write nothing, and needs no flag for it."""
    run(bed, guarded, objects.sealed("debugged"))
    said = bed.kubectl(
        "admin", "debug", "debugged", "--namespace", guarded, f"--image={manifests.NGINX}", "--container=look",
        "--image-pull-policy=Never", "--profile=baseline", "--", "/bin/wait",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    (ephemeral,) = objects.read(bed, guarded, "pod/debugged")["spec"]["ephemeralContainers"]
    assert ephemeral["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(("profile", "control"), [("sysadmin", "[privileged]"), ("general", "[capabilities]")])
def test_a_debugger_that_could_break_out_is_denied(bed: beds.Bed, guarded: str, profile: str, control: str) -> None:
    """Profiles of `kubectl debug` that add privileges: the pod stays as it was."""
    name = f"sealed-{profile}"
    objects.create(bed, guarded, objects.sealed(name, schedulerName="nobody"))
    said = bed.kubectl(
        "admin", "debug", name, "--namespace", guarded, f"--image={manifests.BUSYBOX}", f"--profile={profile}",
        "--", "/bin/wait",
    )  # fmt: skip
    assert said.returncode == 1
    assert control in said.stderr
    assert "ephemeralContainers" not in objects.read(bed, guarded, f"pod/{name}")["spec"]


def test_two_pods_of_one_template_are_alike(bed: beds.Bed, guarded: str) -> None:
    """Names of volumes are deterministic, whichever replica repaired the pod."""
    pods = [manifests.pod(name, manifests.container(image=manifests.NGINX)) for name in ("one", "two", "three")]
    made = [objects.create(bed, guarded, pod, "--dry-run=server", "-o", "json").stdout for pod in pods]
    first, *others = [
        [volume for volume in json.loads(each)["spec"]["volumes"] if volume["name"].startswith("podseal-")]
        for each in made
    ]
    assert first
    assert others == [first, first]
