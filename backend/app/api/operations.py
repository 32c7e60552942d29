"""Routes for the operator of the service: liveness, readiness and metrics."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ..errors import DatabaseBusy, DatabaseUnavailable, ShuttingDown
from ..models.api import Health
from .deps import AppServices
from .openapi import answers, operation_id

router = APIRouter(tags=["operations"], generate_unique_id_function=operation_id)


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", responses=answers(None))
async def healthz() -> Health:
    """Reports that the process is alive. It never uses the database."""
    return Health(status="ok")


@router.get("/readyz", responses=answers(None, DatabaseUnavailable, DatabaseBusy, ShuttingDown))
async def readyz(services: AppServices) -> Health:
    """Reports whether the service can answer requests.

    The database must be reachable with a schema that fits, and the process must not be about to stop.
    """
    services.turns.require_open()
    await services.schema.check()
    return Health(status="ready")


@router.get("/metrics", response_class=PlainTextResponse, responses=answers(None))
async def metrics(services: AppServices) -> Response:
    """Returns the metrics of the process. They are in the text format of Prometheus."""
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)
