"""What `rotate` may do before it is due, and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest

from certs import force, model, rotation, steps
from tests.certs.world import DAY, WISHES, World


@pytest.fixture
def world() -> World:
    """A world after its first pass."""
    world = World()
    world.settle_down()
    return world


def taken(world: World) -> str:
    """Force the next step of a change, take it and what follows, and name it; or give the refusal's cause."""
    step = force.change(world.now, world.wishes, world.state)
    if isinstance(step, force.Refusal):
        return step.cause
    world.take(step)
    world.settle_down()
    return type(step).__name__


def test_change_of_authority_in_three_calls(world: World) -> None:
    """Stage, promote and drop, with `settle` between them; everything served is verified all along."""
    assert taken(world) == "Stage"
    assert "is published since" in taken(world)
    world.now += WISHES.settle
    assert taken(world) == "Promote"
    assert "may serve the old certificate" in taken(world)
    assert world.unverifiable() == []
    world.now += WISHES.settle
    assert taken(world) == "Retire"
    assert rotation.serves(world.now, world.state)
    assert len(world.bundles[0]) == 1


def test_unpublished_authority_does_not_sign(world: World) -> None:
    """While a caBundle lacks the staged authority it signs nothing, whatever `settle` is."""
    world.take(steps.Stage("test"))
    world.wishes = dataclasses.replace(WISHES, settle=0 * DAY)

    assert "not in every caBundle" in taken(world)


def test_authority_of_the_served_certificate_is_not_dropped(world: World) -> None:
    """Its key is lost, but what it signed is served."""
    assert world.state.signer is not None
    lost = world.state.signer.certificate
    retired = (model.Retired(lost, since=lost.not_before, until=lost.not_after),)
    world.state = dataclasses.replace(world.state, signer=None, retired=retired)

    assert "has signed what is served" in taken(world)


def test_renewal_before_it_is_due(world: World) -> None:
    """A new serving certificate at once, and its predecessor is verified still."""
    step = force.renewal(world.now, world.state)
    assert isinstance(step, steps.Renew)
    world.take(step)

    assert len(world.stored) == 2
    assert world.unverifiable() == []


def test_renewal_needs_an_authority() -> None:
    """Without one that can sign there is a reason, and no step."""
    refusal = force.renewal(World().now, model.State())

    assert isinstance(refusal, force.Refusal)
    assert "no authority can sign" in refusal.cause
