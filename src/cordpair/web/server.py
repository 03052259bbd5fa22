"""How we listen: with a certificate of our own or in clear behind a proxy, and whose forwarded headers count."""

import uvicorn
from starlette.types import ASGIApp

from cordpair.settings import Settings
from cordpair.web.certificate import ServerCertificate
from cordpair.web.https_only import HttpsOnly


def server_config(settings: Settings, app: ASGIApp, certificate: ServerCertificate | None) -> uvicorn.Config:
    """The server's configuration. Nobody's X-Forwarded-* headers count but those of the proxies that are named."""
    proxies = list(settings.trusted_proxies)
    return uvicorn.Config(
        HttpsOnly(app, public_url=settings.public_url) if proxies and certificate is None else app,
        host=settings.host,
        port=settings.port,
        ssl_context_factory=None if certificate is None else lambda _config, _default: certificate.context,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
