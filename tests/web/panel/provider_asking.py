"""A provider that answers as a test says, in the place of the one that is asked over the network."""

from __future__ import annotations

from dataclasses import dataclass, field

from copydesk.providers import Given, Outcome, Probe, Provider


@dataclass
class Asking:
    """Keeps what providers were asked with."""

    answer: Probe = field(default_factory=lambda: Probe(Outcome.ACCEPTED, 200))
    asked: list[tuple[str, Given]] = field(default_factory=list)

    def __call__(self, provider: Provider, given: Given) -> Probe:
        self.asked.append((provider.name, given))
        return self.answer
