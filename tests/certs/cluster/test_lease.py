"""The Lease: one holder at a time, by this machine's own clock."""

from __future__ import annotations

import datetime as dt

import pytest

from certs import errors
from certs.cluster import api, lease
from tests.certs.cluster.double import LEASE, Double
from tests.certs.world import DAY, START

DURATION = dt.timedelta(seconds=90)


class Time:
    """A wall clock that may be wrong, and a monotonic one."""

    def __init__(self, wall: dt.datetime = START) -> None:
        self.wall = wall
        self.seconds = 0.0

    @property
    def clocks(self) -> lease.Clocks:
        """Both, as the Lease wants them."""
        return lease.Clocks(wall=lambda: self.wall, monotonic=lambda: self.seconds)


@pytest.fixture
def time() -> Time:
    """The time of both replicas."""
    return Time()


@pytest.fixture
def replicas(server: api.Api, time: Time, double: Double) -> list[lease.Lease]:
    """Two replicas; the second one's wall clock is a day ahead."""
    ahead = lease.Clocks(wall=lambda: time.wall + DAY, monotonic=lambda: time.seconds)
    address = lease.address("podseal-system", "podseal-certs")
    double.put(LEASE, {})
    return [
        lease.Lease(server, address, "a", DURATION, time.clocks),
        lease.Lease(server, address, "b", DURATION, ahead),
    ]


def test_first_comes_and_stays(replicas: list[lease.Lease], time: Time, double: Double) -> None:
    """The first takes the Lease and renews it; the other waits, though its clock says that it is over."""
    first, second = replicas

    for _ in range(5):
        assert first.hold()
        assert not second.hold()
        time.seconds += 60
    assert double.objects[LEASE]["spec"]["holderIdentity"] == "a"
    assert double.objects[LEASE]["spec"]["leaseTransitions"] == 0


def test_a_missing_lease_is_made_after_a_while(replicas: list[lease.Lease], time: Time, double: Double) -> None:
    """Whoever installs podseal may be about to make it, and would fail; once it was there, the wait begins anew."""
    first, _ = replicas
    del double.objects[LEASE]
    with pytest.raises(errors.CertsError, match=r"does not exist yet.*made in 20 s"):
        first.hold()
    time.seconds += 19.8
    with pytest.raises(errors.CertsError, match="made in 0 s"):
        first.hold()
    time.seconds += 1
    assert first.hold()
    del double.objects[LEASE]
    with pytest.raises(errors.CertsError, match="made in 20 s"):
        first.hold()


def test_silent_holder_is_followed(replicas: list[lease.Lease], time: Time, double: Double) -> None:
    """A record that does not change for its duration is free."""
    first, second = replicas
    assert first.hold()
    assert not second.hold()
    time.seconds += 89
    assert not second.hold()
    time.seconds += 1
    assert second.hold()
    assert not first.hold()
    assert double.objects[LEASE]["spec"]["leaseTransitions"] == 1


def test_released_lease_is_free_at_once(replicas: list[lease.Lease]) -> None:
    """A clean end costs the other replica no wait; who does not hold it releases nothing."""
    first, second = replicas
    second.release()
    assert first.hold()
    second.release()
    assert not second.hold()
    first.release()
    assert second.hold()


@pytest.mark.parametrize("spec", [None, {}, {"holderIdentity": ""}])
def test_lease_without_a_holder_is_free(
    replicas: list[lease.Lease], double: Double, spec: dict[str, str] | None
) -> None:
    """Somebody made it empty."""
    double.put(LEASE, {"spec": spec} if spec is not None else {})

    assert replicas[0].hold()


def test_both_take_it_at_once(replicas: list[lease.Lease], double: Double) -> None:
    """The record changed between read and write: this replica does not hold it, and releases nothing."""
    double.put(LEASE, {"spec": {}})
    double.failures["PATCH", LEASE] = (409, b"{}")
    assert not replicas[0].hold()
    double.put(LEASE, {"spec": {"holderIdentity": "a"}})
    replicas[0].release()
    assert double.objects[LEASE]["spec"]["holderIdentity"] == "a"
