"""What the webhook changes in a pod: a read-only root, and an emptyDir wherever the program then still has to write.

In: a pod (CREATE) or its new ephemeral containers, the policy, the catalogue. Out: a `Mutation`: edits and notes.
Called by `decide` alone. The second call on the patched pod gives no edit (the API server invokes webhooks again
after others have changed the pod), and a container's index is always that of the pod received.
"""

from collections.abc import Iterable

import msgspec

from webhook.policy import catalogue, containers, labels, model, mounts, paths, pod, volumes, writable_paths
from webhook.policy.controls import writable_root_filesystem

MUTATED = labels.PREFIX + "mutated"
MIRROR = "kubernetes.io/config.mirror"
NOTHING = model.Mutation()
MOST_CONTAINERS = 500
"""No pod that runs has more; a review of 3 MiB has room for 60,000, whose patch would have 30 MB."""


def mutate(
    view: containers.PodView, subject: model.Subject, policy: model.Policy, known: catalogue.Catalogue
) -> model.Mutation:
    """The edits that repair a pod, and what people should know about it.

    Args:
        view: the containers to look at; of an ephemeralcontainers request, the new ones.
        subject: the request.
        policy: `mutate` off changes nothing, known only what is known to live with it, all every container;
            `options.empty_dir_size_limit` holds where the catalogue names no size.
        known: the catalogue.
    """
    if policy.mutate == "off" or view.is_windows:
        # Windows pods with Linux fields are invalid (KEP-2802).
        return NOTHING
    if subject.subresource == "ephemeralcontainers":
        # Neither volumes nor annotations can change there.
        return model.Mutation(tuple(edit for each in view.containers if (edit := _read_only_root(each))))
    annotations = view.metadata.annotations or {}
    if MIRROR in annotations:
        # The static pod behind a mirror runs as its file says. Whoever forges the annotation gains nothing: what is
        # not repaired is still judged.
        return NOTHING
    if len(view.containers) > MOST_CONTAINERS:
        return model.Mutation(notes=(f"more than {MOST_CONTAINERS} containers: none of them is changed",))
    asked, notes = _asked(view, annotations.get(writable_paths.ANNOTATION))
    plan = Plan(view, policy, notes)
    for container in view.containers:
        _container(plan, container, known.find(container.container.image or ""), asked.of(container.name))
    return plan.mutation(annotations.get(MUTATED))


def _asked(view: containers.PodView, text: str | None) -> tuple[writable_paths.Request, list[str]]:
    """What the pod's author asks for. Ephemeral containers get no volumes, so they cannot be meant."""
    if not text:
        return writable_paths.NOTHING, []
    return writable_paths.read(text, [each.name for each in view.containers if each.kind != "ephemeralContainers"])


class Plan:
    """What is gathered while the containers are looked at one after the other."""

    __slots__ = ("_names", "_read_only_volumes", "_view", "added", "edits", "notes", "policy", "seeds")

    def __init__(self, view: containers.PodView, policy: model.Policy, notes: list[str]) -> None:
        self._view = view
        self.policy = policy
        self.notes = notes
        self.edits: list[model.Edit] = []
        self.seeds: list[model.AddSeedContainer] = []
        self.added: list[str] = []
        self._names: volumes.Names | None = None
        self._read_only_volumes: frozenset[str] | None = None

    @property
    def names(self) -> volumes.Names:
        """The names taken in the pod: gathered when the first volume is added, which most pods need none of."""
        if self._names is None:
            self._names = volumes.Names(self._view)
        return self._names

    def mounted(self, container: pod.Container) -> dict[str, bool]:
        """Canonical path -> writable, of what the container mounts."""
        if self._read_only_volumes is None:
            self._read_only_volumes = mounts.read_only_volumes(self._view.spec)
        return mounts.mounted(container, self._read_only_volumes)

    def read_only_root(self, container: containers.ContainerView, edit: model.Edit | None, added: list[str]) -> None:
        """Take in the edit of a container's root, if there is one, and list what the container got."""
        if edit:
            self.edits.append(edit)
            added = ["readOnlyRootFilesystem", *added]
        if added:
            self.added.append(f"{container.name}={','.join(added)}")

    def mutation(self, said: str | None) -> model.Mutation:
        """All of it. Seed containers come last: they shift the indexes of the init containers."""
        if not self.edits:
            return model.Mutation(notes=tuple(self.notes)) if self.notes else NOTHING
        value = ";".join([said, *self.added] if said else self.added)
        return model.Mutation((*self.edits, *self.seeds, model.Annotate(MUTATED, value)), tuple(self.notes))


def _container(
    plan: Plan,
    container: containers.ContainerView,
    written: tuple[catalogue.Place, ...] | None,
    asked: tuple[str, ...],
) -> None:
    """One container: written is what its image is known to write, asked what the annotation names."""
    if not _is_touched(plan, container, known=written is not None, asked=asked):
        return
    edit = _read_only_root(container)
    if container.kind == "ephemeralContainers" or not (written or asked):
        plan.read_only_root(container, edit, [])
        return
    mounted = plan.mounted(container.container)
    places = _requested(written or (), asked) if asked else written or ()
    obstacle = _obstacle(places, mounted) if edit and not asked and plan.policy.mutate == "known" else ""
    if obstacle:
        plan.notes.append(
            f"{container.name}: left writable, since it writes where its image has files; "
            f"add {writable_paths.ANNOTATION}: {container.name}={obstacle}"
        )
        return
    # A root that is read-only already gets its volumes as well: without them the program could not run.
    added = []
    for place in places:
        if not place.unasked:
            _note_left_alone(plan, container, mounted, place, made_read_only=edit is not None)
        elif _inject(plan, container, mounted, place):
            added.append(place.entry.path)
    plan.read_only_root(container, edit, added)


def _is_touched(plan: Plan, container: containers.ContainerView, *, known: bool, asked: tuple[str, ...]) -> bool:
    """Whether a container is any of the mutation's business."""
    if not (known or asked or plan.policy.mutate == "all" or container.kind == "ephemeralContainers"):
        # Made read-only, an unknown program may fail at its first write, long after anybody looks at the reason.
        return False
    if container.security_context.read_only_root_filesystem is False:
        # Somebody's decision: it is refused, not overwritten.
        if asked:
            plan.notes.append(f"{container.name}: {writable_paths.ANNOTATION} has no effect on a writable root")
        return False
    return not volumes.is_seed_container(container)


def _requested(written: tuple[catalogue.Place, ...], asked: tuple[str, ...]) -> list[catalogue.Place]:
    """What the image writes and what the annotation asks for, ancestors first: a volume covers what is below it."""
    found = {place.path: place for place in written}
    for path in asked:
        place = found.get(paths.canonical(path)) or catalogue.place(catalogue.WritablePath(path))
        found[place.path] = msgspec.structs.replace(place, unasked=True)
    return sorted(found.values(), key=lambda place: place.path)


def _obstacle(places: Iterable[catalogue.Place], mounted: dict[str, bool]) -> str:
    """A path that the program surely writes and that gets no volume unasked, so that a read-only root would stop it.

    Under `known` such a container is left as it is: refused with its reason, or running, but not broken by us.
    """
    for place in places:
        entry = place.entry
        needed = entry.seed and not (entry.vol or entry.when)
        if needed and mounts.covering(mounted, place.chains) is None:
            return entry.path
    return ""


def _inject(plan: Plan, container: containers.ContainerView, mounted: dict[str, bool], place: catalogue.Place) -> bool:
    """Add one volume and its mount, unless something is mounted there; say whether it was added."""
    entry = place.entry
    covering = mounts.covering(mounted, place.chains)
    if covering is not None:
        if not covering:
            # The runtime cannot make the mount point in there (kubernetes/kubernetes#72261). The program could not
            # write there before either, so that a read-only root takes nothing from it.
            plan.notes.append(f"{container.name}: no emptyDir at {entry.path}, which lies in a read-only mount")
        return False
    size_limit = entry.size or plan.policy.options.empty_dir_size_limit
    name, new = plan.names.volume(container.name, place.path, pod.EmptyDir(entry.medium, size_limit))
    if new:
        mode = int(entry.mode, 8) if entry.mode else None
        plan.edits.append(model.AddEmptyDir(name, size_limit, entry.medium, mode))
    plan.edits.append(model.AddMount(container.kind, container.index, name, entry.path))
    mounted[place.path] = True
    if entry.seed:
        seed = plan.names.seed_container(container.name, place.path)
        plan.seeds.append(model.AddSeedContainer(seed, container.kind, container.index, name, entry.path))
    return True


def _read_only_root(container: containers.ContainerView) -> model.Edit | None:
    """Null and absent become true.

    An ephemeral container gets it whatever its image: no profile of `kubectl debug` can say it, and a shell that
    cannot write is of more use than one that is refused.
    """
    return writable_root_filesystem.fix(container)


def _note_left_alone(
    plan: Plan,
    container: containers.ContainerView,
    mounted: dict[str, bool],
    place: catalogue.Place,
    *,
    made_read_only: bool,
) -> None:
    """Say that a path gets no volume unless somebody asks for it, and how to ask.

    What is written only under a condition is worth a word where the mutation itself takes the writable root away.
    """
    entry = place.entry
    if not (entry.seed or entry.vol) or (entry.when and not made_read_only):
        return
    if mounts.covering(mounted, place.chains) is not None:
        return
    ask = f"{writable_paths.ANNOTATION}: {container.name}={entry.path}"
    condition = f" (written when {entry.when})" if entry.when else ""
    if entry.vol:
        note = f"{entry.path} is an image VOLUME, which containerd mounts writable; {ask} replaces it"
    else:
        note = f"{entry.path} has files of the image and stays read-only; {ask} copies them"
    # A warning is cut after 120 characters: what to do comes before what it is good for.
    plan.notes.append(f"{container.name}: {note}{condition}")
