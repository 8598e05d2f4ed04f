"""Which subjects are controllers that apply what lies in a repository.

In: a subject of a binding. Out: the tool's name, or nothing. Called by `grants`. Whoever may merge into what such a
controller applies holds its rights.
"""

from fnmatch import fnmatchcase

from webhook.scan import rbac

CONTROLLERS = (
    ("argocd", "*", "Argo CD"),
    ("argo-cd", "*", "Argo CD"),
    ("openshift-gitops", "*", "Argo CD"),
    ("*", "*argocd-application-controller", "Argo CD"),
    ("*", "*argocd-server", "Argo CD"),
    ("flux-system", "*", "Flux"),
    ("*", "kustomize-controller", "Flux"),
    ("*", "helm-controller", "Flux"),
    ("cattle-fleet-system", "*", "Fleet"),
    ("*", "fleet-agent", "Fleet"),
    ("config-management-system", "*", "Config Sync"),
)
"""Namespace and name of a service account (shell patterns) -> tool, as each one's own manifests call them."""

USER = "system:serviceaccount:"
GROUP = "system:serviceaccounts:"


def tool(subject: rbac.Subject) -> str:
    """The tool whose controllers this subject means, empty where it is none.

    A service account may also be bound by its user name, or all of a namespace by their group.
    """
    namespace, name = subject.namespace, subject.name
    if subject.kind == "User" and name.startswith(USER):
        namespace, _, name = name.removeprefix(USER).partition(":")
    elif subject.kind == "Group" and name.startswith(GROUP):
        namespace, name = name.removeprefix(GROUP), ""
    elif subject.kind != "ServiceAccount":
        return ""
    for in_namespace, called, found in CONTROLLERS:
        if fnmatchcase(namespace, in_namespace) and fnmatchcase(name, called):
            return found
    return ""
