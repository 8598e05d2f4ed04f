"""Where a command works: a folder, or a Secret with its caBundles, and never both."""

from __future__ import annotations

import pathlib

import click
import pytest

from certs import model, reconcile
from certs.commands import sources
from tests.certs.cluster.double import MUTATING, VALIDATING, Double

WISHES = model.Wishes()


def source(
    folder: pathlib.Path | None, secret: str | None, *configurations: str, kubeconfig: str = ""
) -> sources.Source:
    """The values of the options."""
    return sources.Source(folder, secret, "podseal-system", configurations, kubeconfig)


def test_folder(tmp_path: pathlib.Path) -> None:
    """Nothing is published from there."""
    site = source(tmp_path, None).site(WISHES)

    assert str(site.store) == str(tmp_path)
    assert isinstance(site.publication, reconcile.Nowhere)


def test_secret(double: Double, kubeconfig: str) -> None:
    """With the configurations that are named, each as often as it is named."""
    double.put_webhooks(VALIDATING, "a", "b")
    double.put_webhooks(MUTATING, "a")
    site = source(None, "podseal-tls", "podseal", kubeconfig=kubeconfig).site(WISHES)

    assert str(site.store) == "Secret podseal-tls in namespace podseal-system"
    assert site.publication.read() == (((), (), ()), None)
    only = source(None, "podseal-tls", "mutating/podseal", kubeconfig=kubeconfig).site(WISHES)
    assert only.publication.read() == (((),), None)


@pytest.mark.parametrize("secret", [None, "podseal-tls"])
def test_both_or_neither(tmp_path: pathlib.Path, secret: str | None) -> None:
    """Wrong usage, before anything is read."""
    with pytest.raises(click.UsageError, match="give either --dir or --secret"):
        source(tmp_path if secret else None, secret).site(WISHES)


def test_wrong_name_is_wrong_usage(kubeconfig: str) -> None:
    """The kind before the slash is neither."""
    with pytest.raises(click.UsageError, match="neither NAME nor"):
        source(None, "podseal-tls", "any/podseal", kubeconfig=kubeconfig).site(WISHES)
