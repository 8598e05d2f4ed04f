"""Where a sub-command works: the options that name a folder or a Secret, and the Site they stand for."""

from __future__ import annotations

import dataclasses
import pathlib
from typing import TYPE_CHECKING

import click

from certs import authority, files, model, reconcile
from certs.commands import options

if TYPE_CHECKING:
    from certs.cluster import api


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """The API server, and the webhook configurations that are meant."""

    server: api.Api
    configurations: tuple[api.Address, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """The values of `--dir`, `--secret` and what belongs to them.

    Args:
        folder: `--dir`.
        secret: `--secret`.
        namespace: `--namespace`.
        configurations: `--webhook-configuration`, each NAME, validating/NAME or mutating/NAME.
        kubeconfig: `--kubeconfig`.
    """

    folder: pathlib.Path | None
    secret: str | None
    namespace: str
    configurations: tuple[str, ...]
    kubeconfig: str | None

    def site(self, wishes: model.Wishes) -> reconcile.Site:
        """The store and the publication that are meant.

        Raises:
            click.UsageError: both or neither of folder and Secret are given, or a configuration's name is wrong.
            errors.CertsError: there is no usable kubeconfig.
        """
        if (self.folder is None) == (self.secret is None):
            raise click.UsageError("give either --dir or --secret")
        if self.folder is not None:
            return reconcile.Site(files.Folder(self.folder), reconcile.Nowhere(), wishes, options.clock, authority)
        return self.cluster_site(self.cluster(), wishes)

    def cluster_site(self, cluster: Cluster, wishes: model.Wishes, *, publish_only: bool = False) -> reconcile.Site:
        """The Secret and the caBundles.

        Args:
            cluster: from `cluster`.
            wishes: what the user asked for.
            publish_only: the Secret is somebody else's.
        """
        from certs.cluster import publish, secret  # noqa: PLC0415 - some 40 MiB that work on folders does not need

        store = secret.Secret(cluster.server, self.namespace, self.secret or "", publish_only=publish_only)
        bundles = publish.CaBundles(cluster.server, cluster.configurations)
        return reconcile.Site(store, bundles, wishes, options.clock, authority)

    def cluster(self) -> Cluster:
        """The API server and the webhook configurations.

        Raises:
            click.UsageError: a configuration's name is wrong.
            errors.CertsError: there is no usable kubeconfig.
        """
        return connect(self.configurations, self.kubeconfig)


def connect(configurations: tuple[str, ...], kubeconfig: str | None) -> Cluster:
    """The API server that `--kubeconfig` means, and what each `--webhook-configuration` names.

    Raises:
        click.UsageError: a configuration's name is wrong.
        errors.CertsError: there is no usable kubeconfig.
    """
    from certs.cluster import api, webhooks  # noqa: PLC0415 - as above

    try:
        addresses = tuple(one for name in configurations for one in webhooks.addresses(name))
    except ValueError as error:
        raise click.UsageError(f"--webhook-configuration: {error}") from error
    return Cluster(api.connect(kubeconfig), addresses)


_NAMESPACE = click.option(
    "-n", "--namespace", default="podseal-system", show_default=True, metavar="NAME", help="Namespace of the Secret."
)
_CONFIGURATIONS = click.option(
    "--webhook-configuration",
    "configurations",
    multiple=True,
    metavar="NAME",
    help="Webhook configuration whose caBundles are meant: of both kinds, or of one as validating/NAME or "
    "mutating/NAME (repeatable).",
)
_KUBECONFIG = click.option(
    "--kubeconfig", metavar="FILE", help="How to reach the API server; else KUBECONFIG, or the Pod's ServiceAccount."
)
_SECRET = click.option("--secret", metavar="NAME", help="Secret with the certificates, in --namespace.")

folder_or_secret = options.gathered(
    "source",
    Source,
    click.option("--dir", "folder", type=options.type_of_folder, help="Folder with the certificates."),
    _SECRET,
    _NAMESPACE,
    _CONFIGURATIONS,
    _KUBECONFIG,
)
"""`--dir`, or `--secret` and what belongs to it, as a Source `source`."""


def _of_secret(secret: str, namespace: str, configurations: tuple[str, ...], kubeconfig: str | None) -> Source:
    return Source(None, secret, namespace, configurations, kubeconfig)


secret = options.gathered(
    "source",
    _of_secret,
    click.option("--secret", metavar="NAME", required=True, help="Secret with the certificates, in --namespace."),
    _NAMESPACE,
    _CONFIGURATIONS,
    _KUBECONFIG,
)
"""`--secret` and what belongs to it, as a Source `source`."""

cluster = options.gathered("cluster", connect, _CONFIGURATIONS, _KUBECONFIG)
"""`--webhook-configuration` and `--kubeconfig` as a Cluster `cluster`."""
