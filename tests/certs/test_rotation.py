"""The rotation's cases, each from a failure that peers have had, and its two laws as property tests."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings, stateful
from hypothesis import strategies as st

from certs import model, rotation, steps
from tests.certs.world import DAY, START, WISHES, CheapMint, World

MINUTE = dt.timedelta(minutes=1)


def kinds(taken: list[steps.Step]) -> list[str]:
    """The names of the steps."""
    return [type(step).__name__ for step in taken]


@pytest.fixture
def world() -> World:
    """A world after its first pass: everything made and published."""
    world = World()
    world.settle_down()
    return world


def test_first_pass_publishes_before_it_serves() -> None:
    """In an empty cluster the authority stands in every caBundle before a certificate exists."""
    world = World()

    assert kinds(world.settle_down()) == ["Stage", "Publish", "Promote"]
    assert world.unverifiable() == []
    assert rotation.serves(world.now, world.state)


def test_second_pass_does_nothing(world: World) -> None:
    """Without a change of time or state there is nothing to do."""
    assert world.settle_down() == []


def test_leaf_is_renewed_before_two_thirds_of_its_life(world: World) -> None:
    """The serving certificate is replaced between 50 % and 2/3 of its life, by the same authority."""
    first = world.stored[0]

    while len(world.stored) == 1:
        world.now += DAY
        world.settle_down()

    age = (world.now - START) / (first.not_after - START)
    assert 0.5 < age < 2 / 3
    assert world.stored[1].signed_by == first.signed_by


def test_authority_is_replaced_before_two_thirds_of_its_life(world: World) -> None:
    """The new authority signs, and the old one's key is gone, before 2/3 of the old one's life."""
    old = world.state.signer
    assert old is not None

    while world.state.signer == old:
        world.now += DAY
        world.settle_down()

    assert (world.now - START) / (old.certificate.not_after - START) < 2 / 3
    assert old.certificate in world.state.trust


def test_change_of_authority_overlaps(world: World) -> None:
    """Stage, publish, wait, promote; the old authority stays until its last certificate has ended."""
    world.pass_time(218 * DAY, every=DAY)
    old_leaf = world.stored[-1]
    world.now += DAY

    assert kinds(world.settle_down()) == ["Stage", "Publish", "MarkPublished"]
    world.now += WISHES.settle - MINUTE
    assert world.settle_down() == []
    world.now += MINUTE
    assert kinds(world.settle_down()) == ["Promote"]
    assert len(world.bundles[0]) == 2
    world.pass_time(old_leaf.not_after - world.now - DAY, every=DAY)
    assert len(world.bundles[0]) == 2
    world.pass_time(2 * DAY, every=DAY)
    assert len(world.bundles[0]) == 1


def test_authority_expired_while_leaf_is_valid() -> None:
    """kyverno#13639: the authority ends first. A new one is published and serves in the same pass."""
    mint = CheapMint()
    signer = mint.make_authority(START, DAY)
    long_leaf = mint.make_leaf(START, DAY, WISHES.names, signer)
    long_leaf = dataclasses.replace(
        long_leaf, certificate=dataclasses.replace(long_leaf.certificate, not_after=START + 90 * DAY)
    )
    world = World()
    world.mint = mint
    world.state = model.State(leaf=long_leaf, signer=signer)
    world.bundles = [(signer.certificate,)] * 2
    world.now = START + 2 * DAY

    assert kinds(world.settle_down()) == ["Stage", "Publish", "Promote", "Retire", "Publish"]
    assert rotation.serves(world.now, world.state)


def test_leaf_never_outlives_its_authority() -> None:
    """Where the authority ends sooner, so does what it signs; and that is not renewed without a gain."""
    world = World(wishes=dataclasses.replace(WISHES, authority_life=10 * DAY))
    world.settle_down()

    assert world.state.leaf is not None
    assert world.state.signer is not None
    assert world.state.leaf.certificate.not_after == world.state.signer.certificate.not_after


def test_deleted_secret_keeps_what_is_served_verifiable(world: World) -> None:
    """The Secret is gone, webhooks serve on from their volume: the old authority stays published."""
    old = world.stored[-1]
    world.state = model.State()

    assert kinds(world.settle_down()) == ["Stage", "Publish", "Promote"]
    assert world.unverifiable() == []
    assert [one.certificate.fingerprint for one in world.state.retired] == [old.signed_by]


def test_authority_in_one_bundle_only_is_not_adopted(world: World) -> None:
    """What somebody put into one caBundle does not come to be trusted by the others."""
    stranger = CheapMint().make_authority(START, DAY).certificate
    stranger = dataclasses.replace(stranger, fingerprint="stranger")
    world.bundles[0] = (*world.bundles[0], stranger)
    world.state = model.State()

    world.settle_down()

    assert all(stranger not in bundle for bundle in world.bundles)
    assert world.unverifiable() == []


@pytest.mark.parametrize("content", ["empty", "stranger", "old"])
def test_overwritten_bundle_is_restored_in_one_pass(world: World, content: str) -> None:
    """A GitOps tool wrote an empty caBundle, a foreign one or an old one: one pass, one step."""
    right = world.bundles[0]
    stranger = dataclasses.replace(right[0], fingerprint="stranger")
    world.bundles[1] = {"empty": (), "stranger": (stranger,), "old": (*right, stranger)}[content]

    assert kinds(world.settle_down()) == ["Publish"]
    assert world.bundles == [right, right]


def test_overwritten_bundle_restarts_the_wait(world: World) -> None:
    """The successor must have stood in every caBundle without a break before it signs."""
    world.now += 250 * DAY
    world.settle_down()
    world.now += WISHES.settle / 2
    world.bundles[0] = ()
    assert kinds(world.settle_down()) == ["MarkPublished", "Publish", "MarkPublished"]
    world.now += WISHES.settle / 2
    assert world.settle_down() == []
    world.now += WISHES.settle / 2
    assert kinds(world.settle_down()) == ["Promote"]


def test_lost_authority_key_waits_while_the_leaf_serves(world: World) -> None:
    """ca.key is gone, tls.crt is good: the successor is published and waits like any other."""
    assert world.state.signer is not None
    lost = world.state.signer.certificate
    retired = model.Retired(lost, since=lost.not_before, until=lost.not_after)
    world.state = dataclasses.replace(world.state, signer=None, retired=(retired,))

    assert kinds(world.settle_down()) == ["Stage", "Publish", "MarkPublished"]
    world.now += WISHES.settle
    assert kinds(world.settle_down()) == ["Promote"]
    assert world.unverifiable() == []


def test_unusable_leaf_is_made_anew_at_once(world: World) -> None:
    """tls.crt was half written or does not match: the authority signs another in the same pass."""
    world.state = dataclasses.replace(world.state, leaf=None)

    assert kinds(world.settle_down()) == ["Renew"]


def test_changed_names_are_served(world: World) -> None:
    """A Service was renamed: the certificate follows, its authority stays."""
    world.wishes = dataclasses.replace(WISHES, names=("other.svc",))

    assert kinds(world.settle_down()) == ["Renew"]
    assert world.stored[-1].names == ("other.svc",)


def test_renewal_does_not_wait_for_the_right_to_publish(world: World) -> None:
    """While no caBundle can be written, the serving certificate is still renewed by the known authority."""
    world.now += 60 * DAY
    world.bundles[0] = ()

    assert isinstance(world.step(published=0), steps.Renew)


def test_slow_clock_makes_a_certificate_that_it_can_verify(world: World) -> None:
    """A replica whose clock is a day behind finds certificates of tomorrow, and ends with usable ones."""
    world.now -= DAY

    world.settle_down()

    assert rotation.serves(world.now, world.state)
    world.now += DAY
    assert rotation.serves(world.now, world.state)
    assert world.settle_down() == []


def test_mark_of_a_fast_clock_does_not_block(world: World) -> None:
    """The publication was noted by a clock a year ahead: it is noted anew, not waited for."""
    world.now += 250 * DAY
    world.settle_down()
    world.state = dataclasses.replace(world.state, successor_published=world.now + 365 * DAY)

    assert kinds(world.settle_down()) == ["MarkPublished"]
    world.now += WISHES.settle
    assert kinds(world.settle_down()) == ["Promote"]


def test_foreign_state_is_only_published() -> None:
    """cert-manager made the Secret: its authority is published, and old ones stay as long as they live."""
    mint = CheapMint()
    old, new = (mint.make_authority(START, 30 * DAY) for _ in range(2))
    leaf = mint.make_leaf(START, DAY, WISHES.names, new)
    authorities = (model.Retired(new.certificate, START, new.certificate.not_after),)
    world = World()
    world.state = model.State(leaf=leaf, retired=authorities, foreign=True)
    world.bundles = [(old.certificate,), ()]
    before = world.state

    assert kinds(world.settle_down()) == ["Publish"]
    assert world.bundles == [(new.certificate, old.certificate)] * 2
    world.now += 400 * DAY
    world.settle_down()
    assert world.bundles == [(new.certificate,)] * 2
    assert world.state == before


def test_foreign_state_without_an_authority_empties_no_bundle() -> None:
    """cert-manager has not written ca.crt yet: what is published stays."""
    published = CheapMint().make_authority(START, -DAY).certificate
    world = World()
    world.state = model.State(foreign=True)
    world.bundles = [(published,)] * 2

    assert world.settle_down() == []


class Rotation(stateful.RuleBasedStateMachine):
    """Any order of waiting, passes, broken passes, deletions and changed wishes."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.untouched = True
        """Whether every caBundle is as podseal left it: who overwrites one breaks it until the next pass."""

    @stateful.rule(hours=st.integers(min_value=0, max_value=24 * 120))
    def wait(self, hours: int) -> None:
        """Time passes without a pass."""
        self.world.now += dt.timedelta(hours=hours)

    @stateful.rule(minutes=st.integers(min_value=0, max_value=30))
    def wait_shortly(self, minutes: int) -> None:
        """Time around `settle` passes."""
        self.world.now += minutes * MINUTE

    @stateful.rule()
    def run(self) -> None:
        """A whole pass, which comes to rest with a served certificate; the law holds after each step."""
        taken = 0
        while self.world.step() is not None:
            taken += 1
            assert taken <= 12
            self.verified()
        self.untouched = True
        assert rotation.serves(self.world.now, self.world.state)

    @stateful.rule(count=st.integers(min_value=1, max_value=4), reached=st.integers(min_value=0, max_value=1))
    def crash(self, count: int, reached: int) -> None:
        """A pass that ends after some steps, its publication in the middle."""
        for _ in range(count):
            self.world.step(published=reached)

    @stateful.precondition(lambda self: self.untouched)
    @stateful.rule()
    def delete(self) -> None:
        """The Secret is deleted."""
        self.world.state = model.State()

    @stateful.rule(number=st.integers(min_value=0, max_value=1))
    def overwrite(self, number: int) -> None:
        """A GitOps tool empties a caBundle; never the last trace of an authority whose Secret is deleted too."""
        if rotation.forgetful(self.world.state) and not self.world.bundles[1 - number]:
            return
        self.world.bundles[number] = ()
        self.untouched = False

    @stateful.rule(leaf=st.integers(min_value=1, max_value=120), factor=st.integers(min_value=1, max_value=6))
    def wish(self, leaf: int, factor: int) -> None:
        """The lives are configured anew."""
        self.world.wishes = dataclasses.replace(WISHES, leaf_life=leaf * DAY, authority_life=leaf * factor * DAY)

    @stateful.invariant()
    def verified(self) -> None:
        """Every certificate that may be served is verified by every caBundle."""
        if self.untouched:
            assert self.world.unverifiable() == []


def test_authority_without_a_minute_left_signs_nothing() -> None:
    """X.509 counts whole seconds: what it signed would be over when it is read."""
    world = World(wishes=dataclasses.replace(WISHES, authority_life=DAY, leaf_life=DAY))
    world.settle_down()
    world.now += DAY - dt.timedelta(seconds=30)
    world.state = dataclasses.replace(world.state, leaf=None)

    assert kinds(world.settle_down()) == ["Stage", "Publish", "Promote"]
    assert rotation.serves(world.now + MINUTE, world.state)


def test_long_lives_of_before_are_remembered(world: World) -> None:
    """Certificates lived longer when an earlier one was made: the authority stays for the sake of that one."""
    long_lived = world.stored[0]
    world.wishes = dataclasses.replace(WISHES, leaf_life=DAY)
    world.take(steps.Renew("test"))
    world.take(steps.Stage("test"))
    world.settle_down()
    world.now += WISHES.settle
    world.settle_down()
    world.pass_time(80 * DAY, every=DAY / 4)

    assert long_lived.usable(world.now)
    assert world.unverifiable() == []


def test_signer_of_what_is_served_is_never_retired(world: World) -> None:
    """The recorded time is wrong: what is served decides."""
    assert world.state.signer is not None
    retired = model.Retired(world.state.signer.certificate, since=START, until=START)
    world.state = dataclasses.replace(world.state, signer=None, retired=(retired,))

    assert "Retire" not in kinds(world.settle_down())
    assert world.unverifiable() == []


TestRotation = Rotation.TestCase
TestRotation.settings = settings(
    max_examples=200, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(
    jumps=st.lists(st.integers(min_value=-24 * 400, max_value=24 * 400), max_size=12),
    leaf=st.integers(min_value=1, max_value=400),
)
def test_it_converges_whatever_the_clock_does(jumps: list[int], leaf: int) -> None:
    """After any jumps of the clock, back too, one pass ends with a certificate that is served and verified."""
    wishes = dataclasses.replace(WISHES, leaf_life=leaf * DAY, authority_life=400 * DAY)
    world = World(wishes=wishes)
    world.settle_down()
    for hours in jumps:
        world.now += dt.timedelta(hours=hours)
        world.settle_down()

    assert rotation.serves(world.now, world.state)
    assert world.settle_down() == []


@given(
    minutes=st.lists(st.integers(min_value=1, max_value=60 * 24 * 3), min_size=30, max_size=120),
    lives=st.tuples(st.integers(min_value=16, max_value=90), st.integers(min_value=1, max_value=6)),
)
def test_the_served_certificate_never_ends_while_passes_run(minutes: list[int], lives: tuple[int, int]) -> None:
    """With two passes in the last 40 % of every life, the stored certificate is good at every moment."""
    wishes = dataclasses.replace(WISHES, leaf_life=lives[0] * DAY, authority_life=lives[0] * lives[1] * DAY)
    world = World(wishes=wishes)
    world.settle_down()
    for gap in minutes:
        world.now += gap * MINUTE
        assert rotation.serves(world.now, world.state)
        assert world.unverifiable() == []
        world.settle_down()
