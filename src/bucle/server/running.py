"""What turns in a running server: its lease, and engine and clock while it is the one that drives."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from bucle.clock import Clock
from bucle.runtime import hints
from bucle.server.compose import Installation
from bucle.server.membership import Registered
from bucle.server.records import Held
from bucle.store.objects import write_file


@dataclass(slots=True, kw_only=True)
class Running:
    """The threads of one server. On a file it drives from the beginning, on a database when its turn comes."""

    held: Held
    installation: Installation
    registered: Registered
    _clock: Clock | None = None
    _loops: list[threading.Thread] = field(default_factory=list)
    _lease: threading.Thread | None = None

    @property
    def superseded(self) -> bool:
        """Whether this server's lease was taken from it."""
        return self.held.membership is not None and self.held.membership.superseded

    def begin(self, leave: Callable[[], None]) -> None:
        """Drive, or be one of those who wait for their turn; `leave` is called when the lease was taken away."""
        membership = self.held.membership
        if membership is None:
            self._drive()
            return
        arguments = (self._drive, leave, self.registered.name_a_living)
        self._lease = threading.Thread(target=membership.run, args=arguments, name="lease")
        self._lease.start()

    def end(self) -> None:
        """End everything after its turn; supervisors, their user code and the data plane go on."""
        if self.held.membership is not None and self._lease is not None:
            self.held.membership.stop()
            self._lease.join()
        if self._clock is not None:
            self._clock.stop()
            self.installation.engine.stop()
        for loop in self._loops:
            loop.join()

    def _drive(self) -> None:
        home = self.registered.home
        named = hints.name_of(self.installation.hints)
        write_file(home.driver, json.dumps({"id": self.registered.id, "hints": named}).encode())
        self._clock = Clock(world=self.installation.world, plane=self.installation.plane)
        for name, run in (("engine", self.installation.engine.run), ("clock", self._clock.run)):
            loop = threading.Thread(target=run, name=name)
            loop.start()
            self._loops.append(loop)
