"""The least that a request to FastAPI costs: `uvicorn benchmark.bare:app`."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
