"""A cluster, or some namespaces of it, one namespace after another.

In: a client, what to look at, the rules. Out: a `model.Namespace` for each namespace that has pods or says something
to podseal. Called by `webhook.commands.scan`. The API server lists pods by namespace, so that the results of no more
than one are in memory here.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from webhook import apiserver, namespaces
from webhook.policy import guard
from webhook.scan import gather, judge, model, pages, pods


class Request(Struct, frozen=True):
    """What to look at: all namespaces where none is named; pods with these labels (a label selector), or all."""

    namespaces: tuple[str, ...] = ()
    selector: str = ""


def scan(
    client: apiserver.Client, request: Request, rules: judge.Rules, progress: pages.Progress
) -> Iterator[model.Namespace]:
    """The results. `progress` is told how many pods of how many have been judged; 0 where nobody knows.

    Raises:
        apiserver.Refused: the API server refused, or was not there; the text names the missing right.
    """
    keys = _keys(client, request)
    silent = dict(keys)
    for name, found in itertools.groupby(_pods(client, request, progress), lambda pod: pod.namespace):
        silent.pop(name, None)
        yield _result(name, found, keys, rules)
    for name, said in silent.items():
        if said is not namespaces.NO_KEYS:
            yield _result(name, (), keys, rules)


def _keys(client: apiserver.Client, request: Request) -> Mapping[str, guard.NamespaceKeys]:
    if request.namespaces:
        return {name: namespaces.fetch_one(client, name) for name in sorted(set(request.namespaces))}
    known, _ = namespaces.list_all(client)
    return known


def _pods(client: apiserver.Client, request: Request, progress: pages.Progress) -> Iterator[pods.Pod]:
    query = {"labelSelector": request.selector} if request.selector else {}
    paths = [f"/api/v1/namespaces/{name}/pods" for name in sorted(set(request.namespaces))] or ["/api/v1/pods"]
    before = 0
    for path in paths:
        done = 0

        def told(now: int, total: int, earlier: int = before) -> None:
            nonlocal done
            done = now
            progress(earlier + now, total if len(paths) == 1 else 0)

        yield from pages.items(client, path, pods.PAGES, query, told)
        before += done


def _result(
    name: str, found: Iterable[pods.Pod], keys: Mapping[str, guard.NamespaceKeys], rules: judge.Rules
) -> model.Namespace:
    gatherer = gather.Gatherer(name, keys.get(name, namespaces.NO_KEYS), rules)
    for pod in found:
        gatherer.add(pod)
    return gatherer.result()
