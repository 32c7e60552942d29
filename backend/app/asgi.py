"""The application of the environment, for `uvicorn app.asgi:app`. No other module has effects on import."""

from . import logs
from .main import create_app
from .settings import read_settings

_settings = read_settings()
logs.configure(_settings.log_level)
app = create_app(_settings)
