"""Passes over stores that others write too: conflicts, two replicas at once in every order, half-made passes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import authority, errors, layout, model, reconcile, rotation, steps
from tests.certs.world import DAY, START, WISHES

RIGHT = errors.CertsError("ValidatingWebhookConfiguration x", "no right to get it", "add a rule")


class Cluster:
    """A Secret and two webhook configurations in memory, each with its version, and a record of what was served."""

    def __init__(self) -> None:
        self.now = START
        self.data: dict[str, bytes] = {}
        self.version = 0
        self.bundles: list[tuple[model.Certificate, ...]] = [(), ()]
        self.versions = [0, 0]
        self.stored: list[model.Certificate] = []

    def store(self, data: reconcile.Items) -> None:
        """Write the Secret, and check the law."""
        self.data = dict(data)
        self.version += 1
        leaf = layout.decode(data).state.leaf
        if leaf is not None and leaf.certificate not in self.stored:
            self.stored.append(leaf.certificate)
        self.check()

    def publish(self, number: int, trust: Sequence[model.Certificate]) -> None:
        """Write a configuration, and check the law."""
        assert trust
        self.bundles[number] = tuple(trust)
        self.versions[number] += 1
        self.check()

    def check(self) -> None:
        """Every valid certificate that was ever stored is verified by every caBundle that nobody emptied."""
        for leaf in self.stored:
            for bundle in filter(None, self.bundles):
                if leaf.usable(self.now):
                    assert leaf.signed_by in {one.fingerprint for one in bundle if one.usable(self.now)}


class KilledError(Exception):
    """The process is gone."""


class Killer:
    """Kills a replica at its n-th read or write."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self) -> None:
        """Count down."""
        if self._left == 0:
            raise KilledError
        self._left -= 1


class Replica:
    """One replica's view of the cluster; `before` is called ahead of each of its reads and writes."""

    def __init__(self, cluster: Cluster, before: Callable[[], None] = lambda: None) -> None:
        self._cluster = cluster
        self._before = before
        self._versions: list[int] = []
        self.unreadable: errors.CertsError | None = None

    def __str__(self) -> str:
        return "Secret test"

    @property
    def site(self) -> reconcile.Site:
        """The replica as store and publication of a Site."""
        return reconcile.Site(self, _Bundles(self), WISHES, lambda: self._cluster.now, authority)

    def read(self) -> tuple[reconcile.Items, str]:
        """Read the Secret."""
        self._before()
        return dict(self._cluster.data), str(self._cluster.version) if self._cluster.data else ""

    def write(self, data: reconcile.Items, version: str) -> None:
        """Compare and swap the Secret."""
        self._before()
        if version != (str(self._cluster.version) if self._cluster.data else ""):
            raise errors.ConflictError
        self._cluster.store(data)

    def read_bundles(self) -> tuple[rotation.Bundles, errors.CertsError | None]:
        """Read the configurations."""
        self._before()
        self._versions = list(self._cluster.versions)
        return list(self._cluster.bundles), self.unreadable

    def publish(self, trust: Sequence[model.Certificate]) -> None:
        """Compare and swap the configurations, one after the other."""
        for number, version in enumerate(self._versions):
            self._before()
            if version != self._cluster.versions[number]:
                raise errors.ConflictError
            self._cluster.publish(number, trust)


@dataclasses.dataclass(frozen=True)
class _Bundles:
    replica: Replica

    def read(self) -> tuple[rotation.Bundles, errors.CertsError | None]:
        return self.replica.read_bundles()

    def publish(self, trust: Sequence[model.Certificate]) -> None:
        self.replica.publish(trust)


def run(cluster: Cluster) -> list[str]:
    """A whole pass of one replica."""
    return [type(step).__name__ for step in reconcile.due(Replica(cluster).site)]


@pytest.fixture
def cluster() -> Cluster:
    """A cluster after its first pass."""
    cluster = Cluster()
    run(cluster)
    return cluster


def test_first_pass_and_rest() -> None:
    """Made, published, served; then nothing."""
    cluster = Cluster()

    assert run(cluster) == ["Stage", "Publish", "Promote"]
    assert run(cluster) == []


def test_change_of_authority(cluster: Cluster) -> None:
    """The whole change on real certificates, through the stored form each time."""
    cluster.now += 220 * DAY
    run(cluster)
    cluster.now += WISHES.settle
    assert run(cluster) == ["Promote"]
    cluster.now += 91 * DAY
    assert run(cluster) == ["Renew", "Retire", "Publish"]
    assert [len(bundle) for bundle in cluster.bundles] == [1, 1]


@given(
    interruptions=st.dictionaries(
        st.integers(min_value=0, max_value=24),
        st.tuples(st.booleans(), st.integers(min_value=0, max_value=4)),
        max_size=8,
    ),
    days=st.sampled_from([0, 60, 220, 400]),
    deleted=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_two_replicas_at_once(interruptions: dict[int, tuple[bool, int]], days: int, *, deleted: bool) -> None:
    """Whenever another replica takes steps in the middle of a pass, the law holds and both end with one result."""
    cluster = Cluster()
    if days:
        run(cluster)
    if deleted:
        cluster.data = {}
    cluster.now += days * DAY
    calls = iter(range(10_000))

    def other() -> None:
        settles, count = interruptions.get(next(calls), (False, 0))
        cluster.now += settles * WISHES.settle
        list(itertools.islice(reconcile.due(Replica(cluster).site), count))

    for _ in range(2):
        list(reconcile.due(Replica(cluster, before=other).site))
        cluster.now += WISHES.settle
    run(cluster)

    state = layout.decode(cluster.data).state
    assert rotation.serves(cluster.now, state)
    assert all(set(bundle) == set(state.trust) for bundle in cluster.bundles)
    assert run(cluster) == []


def test_sleeper_between_its_reads_takes_no_authority_away(cluster: Cluster) -> None:
    """A user forces a change of authority between this replica's reads, and it is promoted before its write."""

    def stage() -> None:
        reconcile.insist(Replica(cluster).site, lambda *_: steps.Stage("test"))
        run(cluster)

    def promote() -> None:
        cluster.now += WISHES.settle
        assert run(cluster) == ["Promote"]

    actions = iter([lambda: None, stage, promote])

    def sleep() -> None:
        next(actions, lambda: None)()

    list(reconcile.due(Replica(cluster, before=sleep).site))

    assert [len(bundle) for bundle in cluster.bundles] == [2, 2]


def test_outdated_replica_takes_no_authority_away(cluster: Cluster) -> None:
    """A replica that slept between its reads and its write finds its publication refused."""
    cluster.bundles[0] = ()
    sleeper = Replica(cluster)
    bundles, _ = sleeper.read_bundles()
    state = layout.decode(sleeper.read()[0]).state
    assert isinstance(rotation.next_step(cluster.now, WISHES, state, bundles), steps.Publish)
    cluster.now += 220 * DAY
    run(cluster)

    with pytest.raises(errors.ConflictError):
        sleeper.publish(state.trust)
    assert [len(bundle) for bundle in cluster.bundles] == [2, 2]


def test_pass_that_dies_is_finished_by_the_next(cluster: Cluster) -> None:
    """Whichever read or write is the last of a killed process, the next pass ends well."""
    cluster.now += 400 * DAY
    for last in range(12):
        with pytest.raises(KilledError):
            list(reconcile.due(Replica(cluster, before=Killer(last)).site))
        if rotation.serves(cluster.now, layout.decode(cluster.data).state):
            break
    run(cluster)

    assert rotation.serves(cluster.now, layout.decode(cluster.data).state)


def test_unreadable_configuration_does_not_stop_renewal(cluster: Cluster) -> None:
    """A right is missing: the serving certificate is renewed all the same, and the failure comes after."""
    cluster.now += 60 * DAY
    replica = Replica(cluster)
    replica.unreadable = RIGHT

    assert [type(step) for step in reconcile.due(replica.site)] == [steps.Renew]


def test_unreadable_configuration_stops_a_new_beginning(cluster: Cluster) -> None:
    """The Secret is gone and a caBundle cannot be read: it may hold the only trace of what is still needed."""
    cluster.data = {}
    replica = Replica(cluster)
    replica.unreadable = RIGHT

    with pytest.raises(errors.CertsError, match="no right to get it"):
        list(reconcile.due(replica.site))
    assert cluster.data == {}


def test_foreign_certificate_without_authority_is_an_error(cluster: Cluster) -> None:
    """cert-manager's ACME issuers leave ca.crt empty: there is nothing to publish, and that is said."""
    cluster.data = {name: cluster.data[name] for name in ("tls.crt", "tls.key")}

    with pytest.raises(errors.CertsError, match=r"no ca\.crt to publish"):
        run(cluster)


def test_endless_fight_ends(cluster: Cluster) -> None:
    """Another writer undoes each publication: the pass gives up with a reason."""
    replica = Replica(cluster, before=lambda: cluster.bundles.__setitem__(0, ()))

    with pytest.raises(errors.CertsError, match="look for a second program"):
        list(reconcile.due(replica.site))


def test_endless_conflicts_end(cluster: Cluster) -> None:
    """Another writer is faster each time: the pass gives up, a forced step too."""
    cluster.now += 60 * DAY

    def faster() -> None:
        cluster.version += 1

    site = Replica(cluster, before=faster).site
    with pytest.raises(errors.CertsError, match="another writer was faster"):
        list(reconcile.due(site))
    with pytest.raises(errors.CertsError, match="another writer was faster"):
        reconcile.insist(site, lambda *_: steps.Renew("test"))


def test_only_some_kinds_of_steps(cluster: Cluster) -> None:
    """The first due step of another kind ends the pass."""
    cluster.now += 220 * DAY

    assert list(reconcile.due(Replica(cluster).site, only=(steps.Publish,))) == []
    assert cluster.now - START == dt.timedelta(days=220)
