"""falco.yaml's outputs -> the same outputs of podseal's feed.

In: the whole file as a Section. Out: a tree for each output that is switched on, as the feed's own configuration has
it (feed.settings). Pure. Called by `config`. What Falco's outputs do and the feed's do not is warned of.
"""

import urllib.parse
from typing import Any

from runtime_monitor.falco_yaml.section import Section

USER = 1
"""The facility that syslog(3) has without openlog(3), and so Falco."""
LONGEST_LOCAL = 8192
"""Bytes of a message: rsyslog's default, enough for an alert as JSON."""
NEVER_DROPPED = "an alert is sent until the receiver takes it, none is dropped"
Tree = dict[str, Any]


def read(root: Section) -> tuple[Tree, ...]:
    """The outputs, in Falco's form of lines.

    Raises:
        FalcoYamlError: one that is switched on lacks what it needs.
    """
    form = _form(root)
    found = []
    for key, make in MAKERS.items():
        section = root.section(key)
        if not section.boolean("enabled"):
            continue
        # The first time from now on, as Falco; later from where it was, also what happened while it was down.
        found.append({"name": key, "start": "newest", **form, **make(section)})
        section.left({}, "neither Falco nor podseal has it for an output of this kind")
    return tuple(found)


def _form(root: Section) -> Tree:
    """How an alert becomes a line: text or JSON, and what of it."""
    line = {
        "output": root.boolean("json_include_output_property", default=True),
        "message": root.boolean("json_include_message_property"),
        "output_fields": root.boolean("json_include_output_fields_property", default=True),
        "tags": root.boolean("json_include_tags_property", default=True),
        "iso_8601": root.boolean("time_format_iso_8601"),
    }
    return {"format": "json" if root.boolean("json_output") else "text", "line": line}


def _stdout(_section: Section) -> Tree:
    return {"type": "stdout"}


def _syslog(_section: Section) -> Tree:
    return {"type": "syslog", "address": "/dev/log", "facility": USER, "max_bytes": LONGEST_LOCAL}


def _file(section: Section) -> Tree:
    filename = section.text("filename")
    if not filename:
        raise section.error("filename", "the output is enabled: give the path of the file")
    return {"type": "file", "path": filename, "keep_alive": section.boolean("keep_alive")}


def _program(section: Section) -> Tree:
    program = section.text("program")
    if not program:
        raise section.error("program", "the output is enabled: give the command line of the program")
    return {"type": "program", "shell": program, "keep_alive": section.boolean("keep_alive")}


def _http(section: Section) -> Tree:
    section.boolean("keep_alive")  # connections are kept in any case
    section.unfollowed("echo", ("false",), "what the receiver answers is not printed")
    section.unfollowed("max_consecutive_timeouts", ("5",), NEVER_DROPPED)
    endpoint: Tree = {
        "headers": {"User-Agent": section.text("user_agent", "falcosecurity/falco")},
        "insecure": section.boolean("insecure"),
        "ca_file": section.text("ca_cert") or section.text("ca_bundle"),
        "gzip": section.boolean("compress_uploads"),
    }
    # Both have a default that need not exist; without them the system's own authorities count.
    section.has("ca_bundle")
    path = section.text("ca_path")
    if path and not endpoint["ca_file"]:
        endpoint["ca_path"] = path
    certificate, key = section.text("client_cert"), section.text("client_key")
    if section.boolean("mtls"):
        if not (certificate and key):
            raise section.error("mtls", "a client's certificate is asked for: give client_cert and client_key")
        endpoint |= {"client_cert_file": certificate, "client_key_file": key}
    return {"type": "http", "url": _url(section), "endpoint": endpoint}


def _url(section: Section) -> str:
    url = section.text("url")
    if not url:
        raise section.error("url", "the output is enabled: give the receiver's address")
    try:
        parsed = urllib.parse.urlsplit(url)
        usable = parsed.scheme in ("http", "https") and bool(parsed.hostname) and (parsed.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise section.error("url", f"{url!r}: an http:// or https:// address is wanted")
    if parsed.username is not None:
        message = (
            "it holds a password: use an output of `podseal-monitor feed` with `header_files`, where it is in no log"
        )
        raise section.error("url", message)
    return url


MAKERS = {
    "stdout_output": _stdout,
    "syslog_output": _syslog,
    "file_output": _file,
    "program_output": _program,
    "http_output": _http,
}
"""Falco's key -> what the output is called here. The keys are the outputs' names too, which keep their positions."""
