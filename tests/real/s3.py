"""A real S3 server (SeaweedFS) for the test run."""

from __future__ import annotations

import json
from itertools import count

from tests.real.process import Server, free_ports, own_folder, program
from tests.support.asking import status

KEY, SECRET = "village", "made-up-for-this-test-run"


class S3Server(Server):
    def __init__(self) -> None:
        folder = own_folder("s3")
        config = folder / "s3.json"
        identity = {
            "name": "village",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        config.write_text(json.dumps({"identities": [identity]}))
        config.chmod(0o644)
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = free_ports(8)
        self.port, self.endpoint = s3, f"http://127.0.0.1:{s3}"
        self._places = count(1)
        super().__init__(
            [
                program("weed"),
                "server",
                f"-dir={folder}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-filer",
                "-s3",
                f"-s3.config={config}",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-master.telemetry=false",
                "-master.volumeSizeLimitMB=64",
                "-volume.max=20",
                f"-master.port={master}",
                f"-master.port.grpc={master_grpc}",
                f"-volume.port={volume}",
                f"-volume.port.grpc={volume_grpc}",
                f"-filer.port={filer}",
                f"-filer.port.grpc={filer_grpc}",
                f"-filer.localSocket={folder}/filer.sock",
                f"-s3.port={s3}",
                f"-s3.port.grpc={s3_grpc}",
                f"-s3.localSocket={folder}/s3.sock",
            ],
            folder,
            stop="KILL",  # its own way out takes fifteen seconds, and nothing here is to be kept
        )
        self.wait(self._answers)

    def _answers(self) -> bool:
        try:
            return status(self.port, "/healthz") > 0
        except OSError:
            return False

    def spec(self) -> str:
        """An empty place in the bucket, as the setting ``blobs`` names it; the first write makes the bucket."""
        return f"s3://village/test-{next(self._places)}?endpoint={self.endpoint}"
