"""A progress display for tests."""


class Recorder:
    """Remembers what was started: how much, by its title."""

    def __init__(self):
        self.stages = {}
        self.told = []

    def start(self, title, total):
        self.stages[title] = self.stages.get(title, 0) + total

    def step(self, left=None):
        pass

    def tell(self, text):
        self.told.append(text)
