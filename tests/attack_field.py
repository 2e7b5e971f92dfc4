"""The throw-away place that hostile submissions are let loose in, and what they changed in it, seen from outside."""

import importlib.util
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
_RESULTS = '{"ada": 61706}'


class Field:
    """Secrets to read, files to spoil, listeners to call and a process to harm, all of them ours."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.secret = f"secret-{secrets.token_hex(8)}"
        self.nonce = ""
        self._facts = {}
        self._before = {}
        self._make_places()
        self._victim = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """End the victim and remove what lies outside of the folder."""
        self._end_victim()
        self._remove_marks()

    def _make_places(self):
        for name in ("grader", "submissions/ada", "home/.keras/datasets", "marks"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "grader/test_labels.bin").write_text(self.secret)
        (self.folder / "grader/link").symlink_to(self.secret)
        (self.folder / "submissions/ada/model.py").write_text(f"# {self.secret}\n")
        (self.folder / "home/.ssh_key").write_text(self.secret)
        (self.folder / "home/.keras/datasets/mnist.npz").write_text(self.secret)

    def reset(self):
        """Everything as it should be, with a new nonce; called before each attack."""
        self._remove_marks()
        self.nonce = secrets.token_hex(6)
        for item in (self.folder / "marks").iterdir():
            subprocess.run(["rm", "-rf", "--", item], check=True)
        self._write_results()
        (self.folder / "victim.log").write_text("")
        if self._victim is None or self._victim.poll() is not None:
            self._start_victim()
        self._before = self._state()

    def _write_results(self):
        results = self.folder / "grader/results.json"
        results.unlink(missing_ok=True)
        results.write_text(_RESULTS)
        results.chmod(0o644)

    def _start_victim(self):
        self._end_victim()
        (self.folder / "listener").unlink(missing_ok=True)
        self._victim = subprocess.Popen(
            [sys.executable, "-I", HERE / "attack_victim.py", self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"ATTACK_SECRET": self.secret},
            start_new_session=True,
        )
        self._facts = json.loads(self._victim.stdout.readline())

    def _end_victim(self):
        if self._victim is not None:
            self._victim.kill()
            self._victim.wait()
            self._victim.stdin.close()
            self._victim.stdout.close()
            self._victim = None

    def source(self):
        """The text of `field.py`: where things are, then the helpers."""
        names = {
            "NONCE": self.nonce,
            "SECRET_LENGTH": len(self.secret),
            "PLACE": str(self.folder),
            "LABELS": str(self.folder / "grader/test_labels.bin"),
            "LINK": str(self.folder / "grader/link"),
            "RESULTS": str(self.folder / "grader/results.json"),
            "SIBLING": str(self.folder / "submissions/ada/model.py"),
            "HOME": str(self.folder / "home"),
            "MARKS": str(self.folder / "marks"),
            "MARK": f"attack-{self.nonce}.txt",
            "SITE": _folder_of("numpy"),
            "HARNESS": str(Path(_folder_of("harness")) / "harness"),
            **self._facts,
        }
        literals = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        return (literals + (HERE / "attack_kit.py").read_text()).encode()

    def _places(self):
        """Folders outside of ours in which a mark of this attack may turn up."""
        folders = ["/", "/tmp", "/var/tmp", "/dev/shm", _folder_of("numpy"), _folder_of("harness"), os.getcwd()]
        folders.append(f"{_folder_of('harness')}/harness")
        return {Path(folder) / f"attack-{self.nonce}.txt" for folder in folders}

    def _remove_marks(self):
        for path in self._places():
            path.unlink(missing_ok=True)

    def effects(self):
        """What is not as it was before the attack, in words."""
        after = self._state()
        return [f"{name}: {value}" for name, value in after.items() if value != self._before[name]]

    def _state(self):
        return {
            **self._victim_state(),
            "results.json": _file_state(self.folder / "grader/results.json"),
            "written": ", ".join(sorted(os.listdir(self.folder / "marks"))[:8]),
            "written elsewhere": ", ".join(str(path.parent) for path in self._places() if os.path.lexists(path)),
        }

    def _victim_state(self):
        if self._victim.poll() is not None:
            return {"the victim": "has ended", "its settings": "", "it": ""}
        process = self._victim.pid
        stopped = _process_status(process) == "T"
        if stopped:
            os.kill(process, signal.SIGCONT)
        return {"the victim": "was stopped" if stopped else "", "its settings": _settings(process), "it": self._log()}

    def _log(self):
        """The victim's log, once it has dealt with everything that has reached it."""
        log = self.folder / "victim.log"
        for _ in range(2):
            seen = log.read_text().count("synchronised")
            os.write(self._victim.stdin.fileno(), b"?")
            deadline = time.monotonic() + 2
            while log.read_text().count("synchronised") == seen and time.monotonic() < deadline:
                time.sleep(0.002)
        lines = [line for line in log.read_text().splitlines() if line != "synchronised"]
        return ", ".join(lines)


def _settings(process):
    priority = os.getpriority(os.PRIO_PROCESS, process)
    files = resource.prlimit(process, resource.RLIMIT_NOFILE)
    score = Path(f"/proc/{process}/oom_score_adj").read_text().strip()
    return f"priority {priority}, processors {os.sched_getaffinity(process)}, files {files}, score {score}"


def _process_status(process):
    with open(f"/proc/{process}/stat") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def _file_state(path):
    """All that may be changed of a file, but for what reading changes."""
    try:
        known = path.lstat()
        extra = os.listxattr(path) if hasattr(os, "listxattr") else []
        facts = (known.st_mode, known.st_uid, known.st_gid, known.st_nlink, known.st_mtime_ns, extra)
        return f"{path.read_text()[:40]!a} {facts}"
    except OSError as error:
        return f"{error.strerror}"


def _folder_of(module):
    return str(Path(importlib.util.find_spec(module).origin).parents[1])
