"""Real processes of notify's: API and projector, to be killed, frozen and started again; by pid."""

import os
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from milepost.settings import Settings
from valkey_server import free_port


@dataclass
class Process:
    """One process that comes back."""

    arguments: tuple[str, ...]
    environment: dict[str, str]
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is ready when it is."""
        command = [sys.executable, "-m", "milepost_cli", *self.arguments]
        self.running = subprocess.Popen(
            command, env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is there."""
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send(signal.SIGKILL)
        if self.running is not None:
            self.running.wait()


@dataclass
class Deployment:
    """Two API processes and a projector on one log and one database."""

    settings: Settings
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    probe_port: int = field(default_factory=free_port)
    """Of the projector's metrics and probes."""

    def __post_init__(self) -> None:
        told = {
            f"MILEPOST_{name.upper()}": str(getattr(self.settings, name))
            for name in ("redis_url", "namespace", "partitions", "database_url", "secret")
        }
        clean = {name: value for name, value in os.environ.items() if "MILEPOST" not in name}
        environment = {**clean, **told, "MILEPOST_DURABILITY": "memory"}
        self.apis = [Process(("notify", "--port", str(port)), environment) for port in self.ports]
        watched = {**environment, "MILEPOST_METRICS_PORT": str(self.probe_port)}
        self.projectors = [Process(("projector",), watched)]
        self._frozen = list[Process]()

    @property
    def everybody(self) -> list[Process]:
        """All of them."""
        return [*self.apis, *self.projectors]

    def start(self) -> None:
        """Start all."""
        for each in self.everybody:
            each.start()

    def strike(self, dice: random.Random) -> str:
        """Kill and start again, freeze, or wake; what was done."""
        while self._frozen and dice.random() < 0.7:
            self._frozen.pop().send(signal.SIGCONT)
        victim = dice.choice(dice.choice((self.apis, self.projectors)))
        if dice.random() < 0.6:
            victim.send(signal.SIGSTOP)
            self._frozen.append(victim)
            return f"froze {victim.arguments}"
        victim.kill()
        victim.start()
        return f"killed {victim.arguments}"

    def calm(self) -> None:
        """Let every frozen one go on."""
        while self._frozen:
            self._frozen.pop().send(signal.SIGCONT)

    def stop(self) -> None:
        """End all."""
        for each in self.everybody:
            each.kill()
