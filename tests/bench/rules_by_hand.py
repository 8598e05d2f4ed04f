"""Falco's 25 stock conditions as somebody would write them by hand in Python, for comparison with compiled rules.

In: the items of the stock lists by name, and events. Out: the names of the rules that fire, in their order. Called by
`bench_rules`, which first checks that it agrees with the engine. What the stock rules leave to the user (never_true and
empty lists) is left out, as it would be by hand.
"""

# ruff: noqa: C901, PLR0912, PLR0915, S108 -- as one would write it in a hurry: long branches; paths are of events

from collections.abc import Callable, Iterable, Mapping

from runtime_monitor.events import Event
from runtime_monitor.rules.operators import Network

Lists = Mapping[str, Iterable[str]]
ADMIN, OVERRIDE, MODULE = 1 << 21, 1 << 1, 1 << 16
ENTRYPOINTS = frozenset(
    {
        *("runc:[0:PARENT]", "runc:[1:CHILD]", "runc", "docker-runc", "exe", "docker-runc-cur", "containerd-shim"),
        *("systemd", "crio", "conmon"),
    }
)
PROTECTED_JAVA = (
    *("org.apache.zookeeper.server", "kafka.Kafka", "org.elasticsearch.bootstrap.Elasticsearch", "activemq.jar"),
    *("-Dcassandra.config.loader", "org.apache.cassandra.service.CassandraDaemon", "org.jboss"),
    *("com.sun.enterprise.glassfish", "org.apache.hadoop", "com.datastax"),
)
SYSTEM_USERS = frozenset("bin daemon games lp mail nobody sshd sync uucp www-data".split())  # noqa: SIM905 -- names
LOG_FILES_OF = ("/var/log", "/dev/log")
ATTACHES = ("PTRACE_POKETEXT", "PTRACE_POKEDATA", "PTRACE_ATTACH", "PTRACE_SEIZE", "PTRACE_SETREGS")
KEYS = ("begin private", "begin openssh private", "begin rsa private", "begin dsa private", "begin ec private")
AWS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "accesskeyid", "secretaccesskey")


def judge_of(lists: Lists) -> Callable[[Event], list[str]]:
    """The function for one set of lists."""
    known = {name: frozenset(item.strip('"') for item in items) for name, items in lists.items()}
    private = [Network(text) for text in known["rfc_1918_addresses"]]
    loopback = Network("127.0.0.0/8")

    def name_above(event: Event, level: int) -> str | None:
        ancestors = event.proc.ancestors
        return ancestors[level - 1].name if ancestors and len(ancestors) >= level else None

    def any_above(event: Event, names: frozenset[str]) -> bool:
        return any(each.name in names for each in event.proc.ancestors or ())

    def in_container(event: Event) -> bool:
        return event.container.id not in (None, "host")

    def sensitive(event: Event) -> bool:
        name = event.fd.name
        return name in known["sensitive_file_names"] or (
            name is not None and name[: name.rfind("/")] in ("/etc/sudoers.d", "/etc/pam.d")
        )

    def opened(event: Event) -> list[str]:
        file, process, evt = event.fd, event.proc, event.evt
        found: list[str] = []
        name = file.name or ""
        read = evt.is_open_read is True and file.number is not None and file.number >= 0
        if file.type_character != "f":
            return found
        raw = file.name_raw
        if (
            raw
            and "../" in raw
            and raw.count("../") > 1
            and (read or (file.number == -1 and (evt.result or "").startswith("E")))
            and (name.startswith(("/etc/", "/root/.ssh")) or "id_rsa" in name or "/.ssh/" in name)
            and name_above(event, 1) not in known["shell_binaries"]
        ):
            found.append("Directory traversal monitored file read")
        if read and sensitive(event):
            servers = known["http_server_binaries"] | known["db_server_binaries"] | known["docker_binaries"]
            if process.name in servers and not (process.duration is not None and process.duration <= 5_000_000_000):
                found.append("Read sensitive file trusted after startup")
            if process.name not in trusted_readers and not others_that_read(event):
                found.append("Read sensitive file untrusted")
        if evt.is_open_write is True and file.number is not None and file.number >= 0:
            directory, _, base = name.rpartition("/")
            if (
                (directory in LOG_FILES_OF or base in known["log_files"])
                and "O_TRUNC" in str(evt.arguments.get("flags", ""))
                and process.name != "containerd"
            ):
                found.append("Clear Log Activities")
            effective = process.cap_effective or 0
            if (
                name.endswith("release_agent")
                and in_container(event)
                and effective & ADMIN
                and (event.user.uid == 0 or effective & OVERRIDE)
            ):
                found.append("Detect release_agent File Container Escapes")
        return found

    def others_that_read(event: Event) -> bool:
        process, parent = event.proc, name_above(event, 1)
        line = " ".join((process.name or "", *(process.arguments or ())))
        if process.name in ("cmp", "cp") and parent in ("passwd", "run-parts"):
            return True
        if process.name in ("python", "pypy", "python3") and "ansible" in line:
            return True
        if parent == "qualys-cloud-ag" or process.name == "chef-client":
            return True
        for level in (2, 3, 4):
            name = name_above(event, level) or ""
            if name in ("qualys-cloud-ag", "chef-client", "chef_command_wr") or name.startswith("google_accounts"):
                return True
        return (parent or "").startswith("google_accounts") or line.startswith("perl /")

    trusted_readers = frozenset().union(
        *(known[name] for name in ("user_mgmt_binaries", "userexec_binaries", "package_mgmt_binaries")),
        *(known[name] for name in ("cron_binaries", "read_sensitive_file_binaries", "shell_binaries")),
        *(known[name] for name in ("hids_binaries", "vpn_binaries", "mail_config_binaries")),
        ("in.proftpd", "mandb", "salt-call", "salt-minion"),
    )
    quiet_parents = known["shell_binaries"] | known["gitlab_binaries"] | known["cron_binaries"] | {"runsv", "PM2"}

    def executed(event: Event) -> list[str]:
        process = event.proc
        found: list[str] = []
        name, container = process.name, in_container(event)
        arguments = process.arguments or ()
        args = " ".join(arguments)
        line = f"{name} {args}" if arguments else name or ""
        parent = name_above(event, 1)
        shell = name in known["shell_binaries"]
        if shell and parent is not None and parent not in quiet_parents:
            above = process.ancestors[0] if process.ancestors else None
            above_line = " ".join((above.name or "", *(above.arguments or ()))) if above else ""
            java = above is not None and (above.exe or "").endswith("java")
            if (
                (any_above(event, known["protected_shell_spawning_binaries"]))
                or (java and any(text in above_line for text in PROTECTED_JAVA))
            ) and not (
                line in known["known_shell_spawn_cmdlines"]
                or any_above(event, known["package_mgmt_binaries"] | {"needrestart", "unicorn_launche"})
                or line.startswith(("sh -c serf", "sh -c kill -0 "))
            ):
                found.append("Run shell untrusted")
        if event.user.name in (
            "bin",
            "daemon",
            "games",
            "lp",
            "mail",
            "nobody",
            "sshd",
            "sync",
            "uucp",
            "www-data",
        ) and (
            (name not in (None, "sshd") and any_above(event, frozenset({"sshd"})))
            or name in ("systemd-logind", "login")
        ):
            found.append("System user interactive")
        if container and shell and process.tty not in (None, 0) and (parent is None or parent in ENTRYPOINTS):
            found.append("Terminal shell in container")
        if container and (
            (name == "nc" and (" -e" in line or " -c" in line))
            or (name == "ncat" and any(text in args for text in ("--sh-exec", "--exec", "-e ", "-c ", "--lua-exec")))
        ):
            found.append("Netcat Remote Code Execution in Container")
        if name in known["grep_binaries"]:
            lowered = args.lower()
            if any(text in lowered for text in KEYS):
                found.append("Search Private Keys or Passwords")
        elif name == "find" and any(text in args for text in ("id_rsa", "id_dsa", "id_ed25519", "id_ecdsa")):
            found.append("Search Private Keys or Passwords")
        if name in known["data_remove_commands"]:
            found.append("Remove Bulk Data from Disk")
        if name == "debugfs" and container and event.container.privileged is True:
            found.append("Debugfs Launched in Privileged Container")
        if (name in known["grep_binaries"] and any(text in args.lower() for text in AWS)) or (
            name == "find" and args.endswith(".aws/credentials")
        ):
            found.append("Find AWS Credentials")
        in_memory_folder = (process.cwd or "").startswith("/dev/shm")
        exe = process.exe or ""
        if (
            exe.startswith("/dev/shm/")
            or (in_memory_folder and (exe.startswith("./") or args.startswith("./")))
            or (shell and args.startswith(("-c /dev/shm", "-i /dev/shm", "/dev/shm")))
        ) and event.container.image_repository not in known["falco_privileged_images"]:
            found.append("Execution from /dev/shm")
        if container and process.exe_upper_layer is True:
            found.append("Drop and execute new binary in container")
        if (
            process.exe_from_memfd is True
            and name != "runc"
            and parent != "runc"
            and "memfd:runc_cloned:/proc/self/exe" not in (process.exepath, exe)
        ):
            found.append("Fileless execution via memfd_create")
        return found

    def connected(event: Event) -> list[str]:
        file = event.fd
        found: list[str] = []
        if file.type_character not in ("4", "6"):
            return found
        server = file.local_names if file.is_server else file.remote_names
        if (
            event.evt.type == "connect"
            and server
            and "kubernetes.default.svc.cluster.local" in server
            and in_container(event)
            and event.pod.namespace != "kube-system"
        ):
            found.append("Contact K8S API Server From Container")
        port = file.local_port if file.is_server else file.remote_port
        address = file.local_address if file.is_server else file.remote_address
        ends = [end for end in (file.local_address, file.remote_address) if end is not None]
        if (
            port in ports
            and (event.proc.exe or "").endswith("ssh")
            and file.l4proto == "tcp"
            and event.evt.type == "connect"
            and ends
            and "0.0.0.0" not in ends  # noqa: S104 -- an address to compare with
            and not any(end in loopback for end in ends)
            and not (address is not None and any(address in network for network in private))
            and ((event.evt.raw_result is not None and event.evt.raw_result >= 0) or event.evt.result == "EINPROGRESS")
        ):
            found.append("Disallowed SSH Connection Non Standard Port")
        return found

    ports = frozenset(map(int, known["ssh_non_standard_ports"]))

    def rare(event: Event) -> list[str]:
        kind, arguments = event.evt.type, event.evt.arguments
        if kind in ("symlink", "symlinkat"):
            target = arguments.get("target")
            hit = target in known["sensitive_file_names"] or target in known["sensitive_directory_names"]
            return ["Create Symlink Over Sensitive Files"] if hit else []
        if kind in ("link", "linkat"):
            hit = arguments.get("oldpath") in known["sensitive_file_names"]
            return ["Create Hardlink Over Sensitive Files"] if hit else []
        if kind == "ptrace":
            request = str(arguments.get("request", ""))
            found = ["PTRACE attached to process"] if any(text in request for text in ATTACHES) else []
            return [*found, "PTRACE anti-debug attempt"] if "PTRACE_TRACEME" in request else found
        if not in_container(event):
            return []
        if kind == "socket":
            return ["Packet socket created in container"] if "AF_PACKET" in str(arguments.get("domain", "")) else []
        if kind in ("dup", "dup2", "dup3"):
            hit = event.evt.raw_result in (0, 1, 2) and event.fd.type in ("ipv4", "ipv6")
            return ["Redirect STDOUT/STDIN to Network Connection in Container"] if hit else []
        hit = kind in ("init_module", "finit_module") and bool((event.proc.cap_effective or 0) & MODULE)
        return ["Linux Kernel Module Injection Detected"] if hit else []

    table = dict.fromkeys(("open", "openat", "openat2"), opened) | dict.fromkeys(("execve", "execveat"), executed)
    table |= dict.fromkeys(("connect", "sendto", "sendmsg"), connected)
    return lambda event: table.get(event.evt.type, rare)(event)
