"""An OpenTelemetry collector that keeps what it is sent: a real server for OTLP over HTTP."""

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator

import msgspec
import uvicorn
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A span as a collector sees it; ids in hex, `parent` empty for a root, instants in nanoseconds."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    began_ns: int
    ended_ns: int
    links: tuple[str, ...]
    attributes: dict[str, object]
    is_error: bool
    scope: str
    node: str


class Collector:
    """What has come so far. `raw` are the bodies as they came."""

    def __init__(self) -> None:
        self.url = ""
        self.raw: list[bytes] = []
        self.spans: list[Received] = []
        self.resources: list[dict[str, object]] = []

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.raw.append(body)
        self._read(ExportTraceServiceRequest.FromString(body))
        return Response(media_type="application/x-protobuf")

    def _read(self, told: ExportTraceServiceRequest) -> None:
        for of_resource in told.resource_spans:
            resource = {it.key: it.value.string_value for it in of_resource.resource.attributes}
            self.resources.append(dict(resource))
            for of_scope in of_resource.scope_spans:
                for span in of_scope.spans:
                    self.spans.append(
                        Received(
                            trace=span.trace_id.hex(),
                            id=span.span_id.hex(),
                            parent=span.parent_span_id.hex(),
                            name=span.name,
                            kind=span.kind,
                            began_ns=span.start_time_unix_nano,
                            ended_ns=span.end_time_unix_nano,
                            links=tuple(link.span_id.hex() for link in span.links),
                            attributes={
                                it.key: getattr(it.value, str(it.value.WhichOneof("value"))) for it in span.attributes
                            },
                            is_error=span.status.code == span.status.STATUS_CODE_ERROR,
                            scope=of_scope.scope.name,
                            node=resource["service.instance.id"],
                        )
                    )


@contextlib.asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    """A collector on loopback."""
    one = Collector()
    app = Starlette(routes=[Route("/v1/traces", one.take, methods=["POST"])])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield one
        finally:
            server.should_exit = True
            await serving
