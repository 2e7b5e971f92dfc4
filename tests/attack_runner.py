"""Let one hostile submission loose in the field, behind walls or without, and say whether it got what it wanted.

An attack is a file of `tests/attacks`: its docstring says what it attempts, and a literal `ATTACK` may say how it is
judged and limited (see `Attack`). It is only ever read here, and run in a build process of the harness.
"""

import ast
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from attack_judges import JUDGES, SMALL
from replay import Shared

from harness.experiments.examine import examine
from harness.handins.discover import take_in
from harness.jobs.build import BUILD
from harness.jobs.ending import Ending
from harness.jobs.limits import GIB, MIB, Isolation, Limits
from harness.records.submission import Submission
from harness.records.verdict import Verdict
from harness.tasks.assignment import Assignment
from reference.lenet5 import LENET5

FOLDER = Path(__file__).parent / "attacks"
GENEROUS = {
    "wall_seconds": 12.0,
    "memory": 4 * GIB,
    "output": 256 * MIB,
    "output_kept": 64 * MIB,
    "result": 512 * MIB,
    "threads": 10_000,
}
"""The control run's limits: an attack that fails must have failed for another reason than these."""


@dataclass(frozen=True)
class Attack:
    """One hostile submission, and how to read what comes of it."""

    name: str
    path: Path
    says: str
    judge: str = "effects"
    limits: Mapping[str, float] = field(default_factory=dict)
    """Limits behind walls, where others than usual are wanted."""
    control: Mapping[str, float] = field(default_factory=dict)
    """Limits of the control run, where others than the generous ones are wanted."""
    ended_by: tuple[str, ...] = ()
    """The limits of which one must end it behind walls."""
    wait: float = 0.0
    """Seconds to wait after the end for what it may still do."""
    parameters: int = SMALL
    """What an honest count of its model gives."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Further source files of the submission."""
    handed_in_as: str = ""
    """The name of its folder, where that is part of the attack."""
    needs: str = ""
    """`root` where the control run works for the superuser only."""
    allowed: Mapping[str, str] = field(default_factory=dict)
    """Isolations in which it is known to work, each with the reason why that is no harm."""


@dataclass
class Run:
    """One attack in one isolation, when it is over."""

    attack: Attack
    isolation: Isolation
    limits: Limits
    folder: Path
    submission: Submission
    verdict: Verdict
    endings: list[Ending]
    place: object
    effects: list[str]

    @property
    def ending(self):
        """The end of the build."""
        return self.endings[0]

    @property
    def reached(self):
        """What the attack says of itself, told by the nonce."""
        lines = re.findall(rf"^REACHED {self.place.nonce} (.*)$", self.ending.output, re.MULTILINE)
        return list(dict.fromkeys(lines))

    def look_again(self):
        """The same run with what has changed in the field since."""
        return replace(self, effects=self.place.effects())

    @property
    def evidence(self):
        """Why the attack worked, or nothing."""
        judge = JUDGES[self.attack.judge]
        return (judge.naive if self.isolation is Isolation.NONE else judge.ours)(self)

    @property
    def end(self):
        """How it ended, in a few words."""
        ending = self.ending
        if ending.limit is not None:
            return f"ended by the limit on {ending.limit}"
        if ending.exit_code < 0:
            return ending.describe_exit()
        failed = [check for check in self.verdict.checks if not self.verdict.parameters]
        return f"refused: {failed[0].found}" if failed else f"{self.verdict.parameters:,} parameters counted"


class Recorder:
    """A zygote for `examine` that gives every job the isolation and the build its limits, and keeps the endings.

    Unless it `rebuilds`, the builds of other seeds end like the first one, and a graph that was validated for another
    attack is not validated again.
    """

    def __init__(self, zygote, framework, limits, rebuilds):
        self._zygote, self._framework, self._limits, self._rebuilds = zygote, framework, limits, rebuilds
        self.endings = []

    def run(self, job, shared=()):
        if job.name == BUILD and self.endings and not self._rebuilds:
            return self.endings[0]
        ours = self._limits if job.name == BUILD else replace(job.limits, isolation=self._limits.isolation)
        zygote = self._zygote if job.name == BUILD or self._rebuilds else Shared().get(self._framework)
        ending = zygote.run(replace(job, limits=ours), shared)
        self.endings.append(ending)
        return ending


def attacks():
    """Every attack of the corpus, by name."""
    return [read_attack(path) for path in sorted(FOLDER.glob("*.py"))]


def read_attack(path):
    """What a file says of itself, without running it."""
    tree = ast.parse(path.read_bytes())
    said = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ATTACK":
            said = ast.literal_eval(node.value)
    return Attack(path.stem, path, (ast.get_docstring(tree) or "").replace("\n", " "), **said)


def limits_of(attack, isolation):
    """Generous limits for the control, the attack's own behind walls."""
    if isolation is Isolation.NONE:
        return Limits(isolation=isolation, **{**GENEROUS, **attack.control})
    return Limits(isolation=isolation, **{"wall_seconds": 60.0, "memory": GIB, **attack.limits})


def run(attack, isolation, place, zygotes, rebuilds=True):
    """Hand the attack in and see what happens; unless it `rebuilds`, to what is built for the first seed."""
    place.reset()
    folder = hand_in(attack, place)
    submission = take_in(folder)
    limits = limits_of(attack, isolation)
    recorder = Recorder(zygotes.get(submission.framework), submission.framework, limits, rebuilds)
    verdict = examine(submission, recorder, [0], Assignment(), LENET5).verdict
    time.sleep(attack.wait)
    return Run(attack, isolation, limits, folder, submission, verdict, recorder.endings, place, place.effects())


def hand_in(attack, place):
    """A submission's folder with the attack, the field's names, and what further files it has."""
    folder = place.folder / "handed_in" / (attack.handed_in_as or attack.name)
    files = {"model.py": attack.path.read_bytes(), "field.py": place.source()}
    files |= {name: text.encode() for name, text in attack.files.items()}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder
