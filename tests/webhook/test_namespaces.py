"""Namespace labels from memory: list, watch, and what happens when the API server forgets, falls silent or dies."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kubernetes.client import ApiClient, Configuration

from tests import waiting
from tests.webhook import fake_apiserver
from webhook import apiserver, namespaces, watch
from webhook.policy import guard

STRICT = {"podseal.dev/enforce": "strict"}


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


def client(address: str) -> apiserver.Client:
    """A client of the scripted server."""
    configuration = Configuration(host=address)
    configuration.retries = False
    return apiserver.Client(ApiClient(configuration))


@contextmanager
def watching(script: fake_apiserver.Script, clock: Clock) -> Iterator[namespaces.Namespaces]:
    """A started source that has made its first list."""
    with fake_apiserver.serve(script) as address:
        source = namespaces.Namespaces(client(address), clock)
        source.start()
        try:
            waiting.until(lambda: source.counts.relists, "the first list")
            yield source
        finally:
            source.stop()
            script.watch_lines.put(fake_apiserver.END)


def fall_silent(script: fake_apiserver.Script, source: namespaces.Namespaces, clock: Clock) -> None:
    """Once the watch has told of something, nothing is heard of it for too long."""
    script.watch_lines.put(script.event("ADDED", "heard", {}))
    waiting.until(lambda: source.counts.known == 3, "an event of the watch")
    clock.now += namespaces.SILENCE + 1


@pytest.fixture
def script() -> fake_apiserver.Script:
    """A server with one labelled namespace."""
    made = fake_apiserver.Script()
    made.namespaces = {"shop": STRICT | {"team": "shop"}, "plain": {"team": "plain"}}
    return made


def test_labels_are_answered_from_memory(script: fake_apiserver.Script) -> None:
    """After the list no request is sent for a known namespace, and only our keys are kept."""
    with watching(script, Clock()) as source:
        waiting.until(lambda: len(script.requests) == 2, "list and watch")
        assert source.get("shop") == guard.NamespaceKeys(STRICT, {})
        assert source.get("plain") is namespaces.NO_KEYS
        assert len(script.requests) == 2


def test_a_list_comes_in_pages(script: fake_apiserver.Script) -> None:
    """Every page is read."""
    script.namespaces = {f"ns-{number}": STRICT for number in range(25)}
    script.page = 10
    with watching(script, Clock()) as source:
        assert source.counts.known == 25


def test_changes_arrive_by_the_watch(script: fake_apiserver.Script) -> None:
    """Added, modified, deleted; a bookmark changes nothing but the version."""
    with watching(script, Clock()) as source:
        script.watch_lines.put(script.event("MODIFIED", "shop", {"podseal.dev/enforce": "off"}))
        waiting.until(lambda: source.get("shop").labels == {"podseal.dev/enforce": "off"}, "the change")
        script.watch_lines.put(script.event("BOOKMARK", ""))
        script.watch_lines.put(script.event("ADDED", "new", STRICT))
        waiting.until(lambda: source.counts.known == 3, "the new namespace")
        script.watch_lines.put(script.event("DELETED", "new"))
        waiting.until(lambda: source.counts.known == 2, "the deletion")
        script.watch_lines.put(fake_apiserver.END)
        waiting.until(lambda: "resourceVersion=5" in script.requests[-1], "a watch from where the last one ended")


@pytest.mark.parametrize("where", ["as an event", "as the answer"])
def test_a_forgotten_version_is_listed_anew(script: fake_apiserver.Script, where: str) -> None:
    """410 Gone leads to a list; what vanished meanwhile is gone."""
    with watching(script, Clock()) as source:
        del script.namespaces["plain"]
        script.namespaces["late"] = STRICT
        if where == "as the answer":
            script.status = 410
            script.watch_lines.put(fake_apiserver.END)
            waiting.until(lambda: source.counts.watch_failures, "the refusal")
            script.status = 200
        else:
            script.watch_lines.put({"type": "ERROR", "object": {"code": 410, "message": "too old"}})
        waiting.until(lambda: source.counts.relists == 2, "the second list")
        assert source.get("late").labels == STRICT
        assert source.counts.known == 2


@pytest.mark.parametrize("line", [fake_apiserver.CUT, "no event", {"type": "ADDED"}])
def test_a_broken_watch_is_taken_up_again(script: fake_apiserver.Script, line: object) -> None:
    """A cut connection or a senseless line costs a back-off, not the thread."""
    with watching(script, Clock()) as source:
        script.watch_lines.put(line)
        waiting.until(lambda: source.counts.watch_failures, "the failure")
        if line is not fake_apiserver.CUT:
            script.watch_lines.put(fake_apiserver.END)
        script.namespaces["shop"] = {}
        script.watch_lines.put(script.event("MODIFIED", "shop", {}))
        waiting.until(lambda: source.get("shop").labels == {}, "the change after it")


def test_a_new_namespace_is_fetched_once_for_all_who_ask(script: fake_apiserver.Script) -> None:
    """Ten requests for a namespace that the watch has not told of yet cost one fetch."""
    with watching(script, Clock()) as source:
        script.namespaces["new"] = STRICT
        script.release.clear()
        answers: list[guard.NamespaceKeys] = []
        threads = [threading.Thread(target=lambda: answers.append(source.get("new"))) for _ in range(10)]
        for thread in threads:
            thread.start()
        waiting.until(lambda: source.counts.fetches, "the fetch")
        script.release.set()
        for thread in threads:
            thread.join()
        assert [each.labels for each in answers] == [STRICT] * 10
        assert source.counts.fetches <= 2


def test_a_stale_watch_is_not_trusted(script: fake_apiserver.Script) -> None:
    """After a silence the namespace is fetched for the request; where that fails the last known labels serve."""
    clock = Clock()
    with watching(script, clock) as source:
        fall_silent(script, source, clock)
        script.namespaces["shop"] = {}
        assert not source.is_fresh
        assert source.get("shop").labels == {}
        script.status = 500
        assert source.get("shop").labels == {}
        assert source.get("plain") is namespaces.NO_KEYS
        assert source.counts.stale_answers == 2


def test_a_watch_without_events_is_fresh_where_the_server_takes_it_up(script: fake_apiserver.Script) -> None:
    """Where no namespace changes, no bookmark need come either: an accepted watch is the sign of life."""
    assert watch.WATCH_SECONDS < watch.SILENCE
    clock = Clock()
    with watching(script, clock) as source:
        fall_silent(script, source, clock)
        assert not source.is_fresh
        script.watch_lines.put(fake_apiserver.END)
        waiting.until(lambda: source.is_fresh, "the next watch")
        assert source.get("shop").labels == STRICT
        assert source.counts.fetches == source.counts.watch_failures == 0


def test_a_fetch_gives_up_in_time(script: fake_apiserver.Script) -> None:
    """A server that does not answer costs the deadline, and the last known labels serve."""
    clock = Clock()
    with watching(script, clock) as source:
        fall_silent(script, source, clock)
        script.release.clear()
        assert source.get("shop").labels == STRICT
        assert source.counts.stale_answers == 1


def test_a_namespace_that_does_not_exist_has_no_labels(script: fake_apiserver.Script) -> None:
    """404 is an answer, not a failure."""
    with watching(script, Clock()) as source:
        assert source.get("nowhere") is namespaces.NO_KEYS
        assert source.counts.stale_answers == 0
