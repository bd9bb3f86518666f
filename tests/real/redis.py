"""A real Redis for the test run."""

from __future__ import annotations

from tests.real.process import Server, free_ports, own_folder, port_open, program


class RedisServer(Server):
    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        super().__init__(
            [
                program("redis-server", "/usr/sbin"),
                *("--bind", "127.0.0.1"),
                *("--port", str(self.port)),
                *("--save", ""),
                *("--appendonly", "no"),
            ],
            own_folder("redis"),
        )
        self.wait(lambda: port_open(self.port))

    def wait_again(self) -> None:
        """After :meth:`restart`."""
        self.wait(lambda: port_open(self.port))
