"""The document as it is in the repository, for generators and reviews.

`python3 backend/run.py python tests/openapi/committed.py` renews it.
"""

import json
from pathlib import Path

from app.main import create_app
from app.settings import Settings

FILE = Path(__file__).resolve().parents[2] / "backend" / "docs" / "openapi.json"


def current() -> str:
    """What this code serves. No database is asked for it."""
    settings = Settings(_env_file=None, database_url="postgresql://localhost/none", secret_key="-" * 32)
    return json.dumps(create_app(settings).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(current(), encoding="utf-8")
