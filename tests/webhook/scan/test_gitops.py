"""Which subjects are GitOps controllers, by table."""

import pytest

from webhook.scan import gitops, rbac

SUBJECTS = {
    "Argo CD's controller": (rbac.Subject("ServiceAccount", "argocd-application-controller", "argocd"), "Argo CD"),
    "Argo CD in a namespace of its own name": (
        rbac.Subject("ServiceAccount", "team-argocd-application-controller", "team-a"),
        "Argo CD",
    ),
    "Flux": (rbac.Subject("ServiceAccount", "kustomize-controller", "flux-system"), "Flux"),
    "Flux elsewhere": (rbac.Subject("ServiceAccount", "helm-controller", "gitops"), "Flux"),
    "by user name": (rbac.Subject("User", "system:serviceaccount:flux-system:helm-controller"), "Flux"),
    "by the group of the namespace": (rbac.Subject("Group", "system:serviceaccounts:argocd"), "Argo CD"),
    "Fleet": (rbac.Subject("ServiceAccount", "fleet-agent", "cattle-fleet-system"), "Fleet"),
    "somebody's account": (rbac.Subject("ServiceAccount", "web", "shop"), ""),
    "a user of such a name": (rbac.Subject("User", "helm-controller"), ""),
    "a group of such a name": (rbac.Subject("Group", "argocd"), ""),
    "all accounts of another namespace": (rbac.Subject("Group", "system:serviceaccounts:shop"), ""),
}


@pytest.mark.parametrize(("subject", "tool"), SUBJECTS.values(), ids=SUBJECTS.keys())
def test_a_controller_is_known_by_namespace_or_name(subject: rbac.Subject, tool: str) -> None:
    """Only service accounts are controllers, however they are bound."""
    assert gitops.tool(subject) == tool
