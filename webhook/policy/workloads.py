"""Kind -> where the pod spec is: the one table of workload kinds.

In: the kind of an object. Out: the Struct to decode it into, the pod inside, and the prefix of its field paths.
Called by `webhook.review`, `podseal check` and `podseal scan`. The list is Pod Security admission's
(k8s.io/pod-security-admission/admission, ExtractPodSpec): nine kinds that hold a pod template, and Pod.
"""

from msgspec import UNSET, UnsetType

from webhook.policy import pod


class TemplateSpec(pod.ApiObject, frozen=True):
    """The spec of a Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController or Job."""

    template: pod.Pod | None | UnsetType = UNSET


class Workload(pod.ApiObject, frozen=True):
    """An object whose spec.template is a pod template. A ReplicationController's may be null."""

    metadata: pod.Metadata | None | UnsetType = UNSET
    spec: TemplateSpec | None | UnsetType = UNSET

    def pod(self) -> pod.Pod | None:
        """The pod template."""
        return (self.spec.template or None) if self.spec else None


class JobTemplate(pod.ApiObject, frozen=True):
    """spec.jobTemplate of a CronJob."""

    spec: TemplateSpec | None | UnsetType = UNSET


class CronJobSpec(pod.ApiObject, frozen=True):
    """The spec of a CronJob."""

    job_template: JobTemplate | None | UnsetType = UNSET


class CronJob(pod.ApiObject, frozen=True):
    """A CronJob: its pod template lies two templates deep."""

    metadata: pod.Metadata | None | UnsetType = UNSET
    spec: CronJobSpec | None | UnsetType = UNSET

    def pod(self) -> pod.Pod | None:
        """The pod template."""
        job = (self.spec.job_template or None) if self.spec else None
        return (job.spec.template or None) if job and job.spec else None


class PodTemplate(pod.ApiObject, frozen=True):
    """A PodTemplate object: the template is not below a spec."""

    metadata: pod.Metadata | None | UnsetType = UNSET
    template: pod.Pod | None | UnsetType = UNSET

    def pod(self) -> pod.Pod | None:
        """The pod template."""
        return self.template or None


class BarePod(pod.Pod, frozen=True):
    """A Pod as a top-level object."""

    def pod(self) -> pod.Pod | None:
        """The pod itself."""
        return self


KINDS: dict[str, tuple[type[BarePod | Workload | CronJob | PodTemplate], str, tuple[str, ...]]] = {
    "Pod": (BarePod, "", ("v1",)),
    "PodTemplate": (PodTemplate, "template.", ("v1",)),
    "ReplicationController": (Workload, "spec.template.", ("v1",)),
    "ReplicaSet": (Workload, "spec.template.", ("apps/v1",)),
    "Deployment": (Workload, "spec.template.", ("apps/v1",)),
    "StatefulSet": (Workload, "spec.template.", ("apps/v1",)),
    "DaemonSet": (Workload, "spec.template.", ("apps/v1",)),
    "Job": (Workload, "spec.template.", ("batch/v1",)),
    "CronJob": (CronJob, "spec.jobTemplate.spec.template.", ("batch/v1",)),
}
"""Kind -> (Struct to decode into, prefix of the pod's field paths, API versions served today)."""


def prefix(kind: str) -> str:
    """What to put before a pod's field path to make it a path of the whole object."""
    return KINDS[kind][1]
