"""Attempts from order to report: exit statuses, timeouts, cancelling, logs, limits, verified code."""

import json
import signal
from hashlib import sha256
from pathlib import Path

import pytest

from bucle.core.manifest import manifest_of
from bucle.runtime import codecheck, folder
from bucle.runtime.attempt import Limits, Unclaimed, Verified
from bucle.spec.digest import FolderEntry
from tests.runtime.conftest import (
    Host,
    await_exit,
    await_true,
    await_user_code,
    is_running,
    log_of,
    python,
    shell,
    spec_of,
)


def test_report_of_success(host: Host) -> None:
    """A command that succeeds is reported ok, with its output kept and the server told where to look."""
    path = host.start(shell("echo hello; echo word >&2"))

    ended = await_exit(path)

    assert (ended.why, ended.rc, ended.reason) == ("ok", 0, None)
    assert log_of(path) == "hello\nword\n"
    assert ended.log_bytes == len("hello\nword\n")
    assert host.notify.recv(64) == path.name.encode()


def test_report_of_failure(host: Host) -> None:
    """The exit status and the killing signal of user code reach the report as they are."""
    assert (host.run(shell("exit 3")).why, host.run(shell("exit 3")).rc) == ("failed", 3)
    killed = host.run(shell("kill -9 $$"))
    assert (killed.why, killed.rc, killed.reason) == ("failed", -9, None)


def test_use_of_processor_and_memory(host: Host) -> None:
    """CPU time sums user code's children; memory is that of the largest process."""
    burn = "import time\nx = bytearray(80 << 20)\nwhile time.process_time() < 0.4: pass"
    ended = host.run(shell(f"{' '.join(python('')[:3])} -c '{burn}'; true"))

    assert ended.rc == 0
    assert 0.4 <= ended.cpu_s < 30
    assert 80 << 20 <= ended.max_rss_bytes < 400 << 20


def test_timeout_ends_the_whole_group(host: Host) -> None:
    """Out of time, user code and what it started in its group are gone, and the report says timeout."""
    path = host.start(shell("sleep 600 & echo $!; sleep 600", timeout_s=0.3))

    ended = await_exit(path)

    assert (ended.why, ended.rc) == ("timeout", -signal.SIGTERM)
    assert not is_running(int(log_of(path)))


def test_cancel(host: Host) -> None:
    """Cancelling sends TERM, which user code may use to end in order."""
    path = host.start(shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"))
    await_true(lambda: (path / "out.log").exists() and "up" in log_of(path), "user code is up")

    assert folder.cancel(path)

    ended = await_exit(path)
    assert (ended.why, ended.rc) == ("canceled", 0)
    assert log_of(path).endswith("bye\n")
    assert not folder.cancel(path)


def test_cancel_of_one_who_ignores_it(host: Host) -> None:
    """What ignores TERM is killed when its grace is over."""
    path = host.start(shell("trap '' TERM; echo up; while :; do sleep 0.05; done", grace_s=0.3))
    await_true(lambda: (path / "out.log").exists() and "up" in log_of(path), "user code is up")

    assert folder.cancel(path)

    ended = await_exit(path)
    assert (ended.why, ended.rc) == ("canceled", -signal.SIGKILL)


def test_cancel_spares_a_stranger_with_the_same_pid(host: Host) -> None:
    """A pid whose start time is another is not signalled."""
    path = host.start(shell("sleep 600"))
    run = await_user_code(path)
    document = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**document, "supervisor_start": run.supervisor_start + 1}))

    assert not folder.cancel(path)

    (path / "run.json").write_text(json.dumps(document))
    assert folder.cancel(path)
    assert await_exit(path).why == "canceled"


def test_nothing_outlives_an_attempt(host: Host) -> None:
    """A grandchild that fled into a session of its own, its parent dead, is gone when the attempt is."""
    path = host.start(shell("(setsid sleep 600 & echo $! > $HOME/pid); exit 0"))

    ended = await_exit(path)

    assert (ended.why, ended.processes_left) == ("ok", 0)
    assert not is_running(int((path / "home/pid").read_text()))


def test_log_flood_is_bounded(host: Host) -> None:
    """Output beyond the limit is counted, not kept, and does not hold user code up."""
    path = host.start(shell("head -c 50000000 /dev/zero; echo done > $HOME/done", log_limit_bytes=10_000))

    ended = await_exit(path)

    assert ended.why == "ok"
    assert (path / "home/done").exists()
    assert (ended.log_bytes, ended.log_dropped_bytes) == (10_000, 50_000_000 - 10_000)
    assert (path / "out.log").stat().st_size < 10_200
    assert "log is full at 10000 bytes" in log_of(path)


def test_cancel_in_the_midst_of_a_flood(host: Host) -> None:
    """A supervisor that drains without end still hears that it is to stop."""
    path = host.start(shell("yes", log_limit_bytes=1000))
    await_true(lambda: (path / "out.log").exists() and (path / "out.log").stat().st_size >= 1000, "log full")

    assert folder.cancel(path)

    assert await_exit(path).why == "canceled"


def test_closed_output_is_no_end(host: Host) -> None:
    """User code that closes its output goes on until it ends, without a busy supervisor."""
    ended = host.run(shell("exec >&- 2>&-; sleep 0.5; exit 4"))
    assert (ended.rc, ended.log_bytes) == (4, 0)


def test_missing_executable(host: Host) -> None:
    """What cannot be executed ends with 127 and one line that names it."""
    path = host.start(spec_of(("/no/such/program",)))

    ended = await_exit(path)

    assert (ended.why, ended.rc, ended.reason) == ("failed", 127, "exec_failed")
    assert "/no/such/program" in log_of(path)
    assert len(log_of(path).split("\n")) == 3
    assert "No such file" in str(ended.detail)


def test_changed_code_is_not_run(host: Host) -> None:
    """User code runs while its snapshot is what was submitted, and not after one byte of it was flipped."""
    code = host.make("code")
    script = code / "train.sh"
    script.write_bytes(b"echo ran >> $HOME/../../../ledger\n")
    rows = [["train.sh", False, script.stat().st_size, f"sha256:{sha256(script.read_bytes()).hexdigest()}"]]
    named = sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
    spec = spec_of(("/bin/sh", str(script)), verify=(Verified(path=str(code), digest=f"sha256:{named}"),))
    assert host.run(spec).why == "ok"

    script.write_bytes(b"echo rbn >> $HOME/../../../ledger\n")

    ended = host.run(spec)
    assert (ended.why, ended.rc, ended.reason) == ("failed", None, "code_changed")
    assert (host.root / "ledger").read_text() == "ran\n"


def test_added_file_and_link_are_changes(tmp_path: Path) -> None:
    """A file that no manifest lists changes the digest, whatever its name; a link has no digest at all."""
    (tmp_path / "a").write_text("x")
    before = codecheck.digest_of(str(tmp_path))

    (tmp_path / ".gitattributes").write_text("")
    assert codecheck.digest_of(str(tmp_path)) != before
    (tmp_path / ".gitattributes").unlink()
    assert codecheck.digest_of(str(tmp_path)) == before

    (tmp_path / "link").symlink_to("a")
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        codecheck.digest_of(str(tmp_path))


def test_limits(host: Host) -> None:
    """User code meets the kernel limits that the order sets; core files are never written."""
    limits = Limits(address_space_bytes=400 << 20, open_files=64, file_size_bytes=1 << 20, cpu_s=100)
    path = host.start(shell("ulimit -v; ulimit -n; ulimit -f; ulimit -t; ulimit -c", limits=limits))

    await_exit(path)

    assert log_of(path).split() == [str(400 << 10), "64", str((1 << 20) // 512), "100", "0"]


def test_unreadable_order(host: Host) -> None:
    """An order that is none of ours is reported by the field at fault, and nothing runs."""
    path = host.order(shell("true"))
    document = json.loads((path / "spec.json").read_text())
    (path / "spec.json").write_text(json.dumps({**document, "argv": "true"}))

    host.spawner.spawn(path)

    ended = await_exit(path)
    assert (ended.why, ended.reason, ended.detail) == ("failed", "spec_invalid", "argv must be a list")


def test_unclaimed_until_spawned(host: Host) -> None:
    """An attempt that was ordered and not spawned may be spawned; one that ran may not run again."""
    path = host.order(shell("echo x >> $HOME/../../../ledger"))
    assert folder.probe(path) == Unclaimed()

    host.spawner.spawn(path)
    first = await_exit(path)
    host.spawner.spawn(path)
    host.run(shell("true"))

    assert folder.probe(path) == first
    assert (host.root / "ledger").read_text() == "x\n"


def test_folder_of_any_name(host: Host) -> None:
    """A folder whose name holds blanks, line ends and bytes beyond ASCII is spawned like any other."""
    path = host.root / "attempts" / "a b\né"
    folder.write_spec(path, shell("exit 6"))

    host.spawner.spawn(path)

    assert await_exit(path).rc == 6


def test_same_digest_as_the_platform(tmp_path: Path) -> None:
    """The supervisor digests a folder as the platform that submitted it did."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b/é.py").write_text("print(1)")
    (tmp_path / "a.sh").write_text("true")
    (tmp_path / "a.sh").chmod(0o700)
    entries = [
        FolderEntry(
            path=name,
            executable=executable,
            size=len(text),
            sha256=f"sha256:{sha256(text.encode()).hexdigest()}",
        )
        for name, executable, text in (("b/é.py", False, "print(1)"), ("a.sh", True, "true"))
    ]
    assert codecheck.digest_of(str(tmp_path)) == manifest_of(entries).digest
