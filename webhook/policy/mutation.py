"""What the webhook changes in a pod on CREATE."""

from webhook.policy import containers, controls, model
from webhook.policy.catalogue import Catalogue


def mutate(
    view: containers.PodView, subject: model.Subject, policy: model.Policy, catalogue: Catalogue
) -> model.Mutation:
    """Thin slice: with mutate all, read-only roots and nothing else."""
    del subject, catalogue
    if policy.mutate != "all" or view.is_windows:
        return model.Mutation()
    fix = controls.CONTROLS["writable-root-filesystem"].fix
    assert fix
    return model.Mutation(edits=tuple(edit for each in view.containers if (edit := fix(each))))
