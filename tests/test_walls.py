"""The walls themselves, with no framework: that they stand, that they are tried, and that nothing goes on without."""

import os
import platform
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

from harness.jobs.limits import Isolation, Limits
from harness.records.errors import SandboxError
from harness.sandbox import landlock, runtime, seccomp, selftest, support, walls
from harness.sandbox.launcher import Zygote
from harness.sandbox.runtime import PACKAGE, hidden_folders, visible_paths, without_hidden


@pytest.fixture(scope="module")
def bare():
    with Zygote(None) as zygote:
        zygote.start()
        yield zygote


def forked(action) -> str:
    """What `action` answers in a forked child, or the error that it raised; it is told which descriptor to keep."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            text = str(action(write))
        except OSError as error:
            text = f"{type(error).__name__}: {error}"
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


@pytest.mark.parametrize("isolation", [Isolation.WALLS, Isolation.NO_NAMESPACES])
def test_the_walls_stand(bare, isolation):
    ending = bare.try_walls(Limits(isolation=isolation))
    assert ending.exit_code == 0
    assert ending.locked_seconds > 0


@pytest.mark.parametrize("name", selftest.attempts(0))
def test_without_walls_each_attempt_of_the_self_test_gets_through(name):
    """So the self-test fails where a wall is missing, and does not pass for nothing."""
    program = f"import os\nfrom harness.sandbox import selftest\nselftest.attempts(os.getppid())[{name!r}]()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_self_test_names_the_wall_that_is_missing():
    assert "the wall against listing the disk does not hold" in forked(lambda _: selftest.run(os.getppid()))


@pytest.mark.parametrize(
    ("broken", "name", "words"),
    [
        (landlock, "restrict", "listing the disk does not hold"),
        (walls.kernel, "install_filter", "does not hold"),
    ],
)
def test_a_wall_that_was_not_put_up_is_found(monkeypatch, broken, name, words):
    monkeypatch.setattr(broken, name, lambda *_: None)
    limits = Limits(isolation=Isolation.NO_NAMESPACES)
    parent = os.getpid()
    assert words in forked(lambda keep: _confined_in_one_thread(limits, keep, parent))


def _confined_in_one_thread(limits, keep, parent):
    return walls.confine(limits, (keep,), parent, runtime.view())


def test_an_old_landlock_is_refused(monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 2)
    assert "Landlock version 2, but 3 is needed" in forked(lambda _: landlock.restrict([]))


def test_two_threads_are_refused():
    program = """
        import threading
        from harness.sandbox import walls
        from harness.jobs.limits import Limits
        from harness.sandbox.runtime import View
        import os, time
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
        try:
            walls.confine(Limits(), (), os.getppid(), View())
        except OSError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True)
    assert done.stdout == "2 threads, but the walls need exactly one\n"


def test_no_job_begins_where_the_walls_do_not_stand(bare):
    with pytest.raises(SandboxError, match="harness doctor"):
        bare.try_walls(replace(Limits(), isolation="paper"))


def test_data_sets_are_among_the_runtimes_files_but_not_to_be_seen():
    listed = [part for path in visible_paths() for part in without_hidden(path)]
    assert str(PACKAGE / "datasets") in hidden_folders()
    assert str(PACKAGE / "backends") in listed
    for folder in hidden_folders():
        assert not any(folder == path or folder.startswith(f"{path}/") for path in listed)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of installed packages with a second copy of this one, a link out of it and one back to it."""
    folder = tmp_path / "real" / "site-packages"
    (folder / "harness" / "datasets").mkdir(parents=True)
    (folder / "other").mkdir()
    (folder / "out").symlink_to("/")
    (folder / "back").symlink_to("..")
    (tmp_path / "linked").symlink_to("real")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "linked" / "site-packages")])
    runtime.hidden_folders.cache_clear()
    yield tmp_path / "linked" / "site-packages"
    runtime.hidden_folders.cache_clear()


def test_a_second_copy_hides_its_data_sets_too_whatever_links_lead_to_it(packages):
    assert str(packages.parent.parent / "real" / "site-packages" / "harness" / "datasets") in hidden_folders()
    assert runtime.hidden_below(str(packages)) == [str(packages / "harness" / "datasets")]
    assert without_hidden(str(packages)) == [str(packages / "other")]


@pytest.mark.parametrize("isolation", [Isolation.WALLS, Isolation.NO_NAMESPACES])
def test_behind_walls_a_second_copy_shows_no_data(packages, isolation):
    (packages / "harness" / "datasets" / "labels").write_text("7")
    limits, parent, visible = Limits(isolation=isolation), os.getpid(), runtime.view()

    def look(keep):
        walls.confine(limits, (keep,), parent, visible)
        return (packages / "harness" / "datasets" / "labels").read_text()

    assert forked(look).startswith(("PermissionError", "FileNotFoundError"))

    def find(keep):
        """As an import does that comes late."""
        walls.confine(limits, (keep,), parent, visible)
        return os.listdir(packages)

    assert "other" in forked(find)
    assert "other" in forked(
        lambda keep: [walls.confine(limits, (keep,), parent, visible), os.stat(packages / "other"), "other"]
    )


def test_a_folder_on_the_path_is_not_shown_unless_packages_are_installed_in_it(tmp_path, monkeypatch):
    for name in ("solutions", "site-packages"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "solutions"), str(tmp_path / "site-packages")])
    assert str(tmp_path / "site-packages") in visible_paths()
    assert str(tmp_path / "solutions") not in visible_paths()


def test_a_checkout_shows_nothing_but_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.sandbox.runtime.PACKAGE", tmp_path / "harness")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "harness").mkdir()
    assert str(tmp_path) not in visible_paths()
    assert str(tmp_path / "harness") in visible_paths()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.setattr(sys, "platform", "darwin"), "neither Landlock nor seccomp"),
        (lambda m: m.setattr(platform, "machine", lambda: "riscv64"), "a riscv64 processor"),
        (lambda m: m.setattr(landlock, "abi", lambda: 0), "Landlock version 0, but 3 is needed"),
        (lambda m: m.setattr(support, "_SECCOMP", support._SECCOMP / "no"), "without seccomp"),
    ],
)
def test_what_keeps_the_walls_from_standing_is_named(monkeypatch, change, words):
    assert support.obstacle() == ""
    change(monkeypatch)
    assert words in support.obstacle()
    with pytest.raises(SandboxError, match="--isolation none"):
        support.require_walls()


def test_every_machine_of_the_list_has_a_filter():
    assert all(len(seccomp.program(machine, 1)) % 8 == 0 for machine in seccomp.ARCHITECTURES)
