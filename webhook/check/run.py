"""A request -> a report: the one path through all stages, in one process or several.

In: what to read and what holds (`Request`). Out: a `Report`, in the order of the files whatever the number of
processes. Called by `webhook.commands.check`; reads files, writes nothing.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType

from msgspec import Struct, structs

from webhook.check import documents, files, judge, model, namespaces, objects

Progress = Callable[[int, int], None]
Found = files.Source | model.Problem

FILES_PER_TASK = 50
"""So many files go to a process at once: fewer cost more than judging them."""


class Request(Struct, frozen=True):
    """What to judge, by which rules, in how many processes. `stdin` is what `-` stands for."""

    paths: tuple[str, ...]
    stdin: files.Source
    rules: judge.Rules
    jobs: int = 1


def run(request: Request, progress: Progress) -> model.Report:
    """Judge everything. `progress` is told how many files of how many are done."""
    found = list(files.find(request.paths, request.stdin))
    rules = structs.replace(request.rules, namespaces=_namespaces(found))
    results: list[model.FileResult] = []
    for batch in _batches(found, rules, request.jobs):
        for result in batch:
            results.append(result)
            progress(len(results), len(found))
    return model.Report(tuple(results))


def _namespaces(found: Iterable[Found]) -> dict[str, namespaces.Namespace]:
    known: dict[str, namespaces.Namespace] = {}
    for source in found:
        data = files.content(source) if isinstance(source, files.Source) else b""
        if isinstance(data, bytes) and namespaces.may_hold(data):
            known.update(namespaces.read(data))
    return known


def _batches(found: Sequence[Found], rules: judge.Rules, jobs: int) -> Iterator[Iterable[model.FileResult]]:
    if jobs == 1 or len(found) <= FILES_PER_TASK:
        yield _judged(rules, found)
        return
    import concurrent.futures  # noqa: PLC0415 -- start-up counts, and few runs want processes
    import copyreg  # noqa: PLC0415 -- as above

    # The catalogue is a read-only mapping, which pickle does not know.
    copyreg.pickle(MappingProxyType, lambda mapping: (_read_only, (dict(mapping),)))
    tasks = [found[start : start + FILES_PER_TASK] for start in range(0, len(found), FILES_PER_TASK)]
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(functools.partial(_judged_at_once, rules), tasks)


def _read_only(values: dict[str, object]) -> MappingProxyType[str, object]:
    return MappingProxyType(values)


def _judged_at_once(rules: judge.Rules, found: Sequence[Found]) -> list[model.FileResult]:
    return list(_judged(rules, found))


def _judged(rules: judge.Rules, found: Iterable[Found]) -> Iterator[model.FileResult]:
    judging = judge.Judge(rules)
    for source in found:
        if isinstance(source, model.Problem):
            yield model.FileResult(source.file, problems=(source,))
            continue
        data = files.content(source)
        if isinstance(data, model.Problem):
            yield model.FileResult(source.name, problems=(data,))
        else:
            yield _file(judging, source.name, data)


def _file(judging: judge.Judge, name: str, data: bytes) -> model.FileResult:
    judged: list[model.Judged] = []
    problems: list[model.Problem] = []
    ignored = 0
    for read in itertools.chain.from_iterable(map(_objects, documents.read(data, name))):
        if isinstance(read, model.Problem):
            problems.append(read)
        elif isinstance(read, objects.Object):
            judged.append(judging.judge(read))
        else:
            ignored += 1
    return model.FileResult(name, tuple(judged), tuple(problems), ignored)


def _objects(read: model.Document | model.Problem) -> Iterable[objects.Object | objects.Ignored | model.Problem]:
    return (read,) if isinstance(read, model.Problem) else objects.read(read)
