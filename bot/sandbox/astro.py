"""Astro's double: an organization on loopback that refuses what Astro refuses, and fails when it is told to.

Paths of both versions are served at once: `/v1/…`, and `/platform/v1beta1/…` with `/iam/v1beta1/…`.
"""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.sandbox.astro_faults import Fault, Faults
from bot.sandbox.astro_life import Cluster, Step, as_time
from bot.sandbox.astro_offers import PROVIDERS, TYPES, Json
from bot.sandbox.astro_pages import Refused, Severed, error, page, parsed
from bot.sandbox.astro_rules import Refusal, refusals
from bot.sandbox.astro_state import AstroState
from bot.sandbox.serving import Server

__all__ = ["AstroSandbox", "Fault", "Seen", "Step"]

_SORTABLE = {
    "clusters": ("name", "createdAt", "updatedAt"),
    "workspaces": ("name", "createdAt", "updatedAt"),
    "users": ("id", "username", "fullName", "createdAt", "updatedAt"),
}
# Statuses with a workflow at work on the cluster: Astro answers 409 to a delete then.
_BUSY = ("", "CREATING", "UPDATING", "FAILING_OVER")
_MASK = "***"

Handler = Callable[[Request, str], Response]


@dataclass
class Seen:
    """A request as it came in. `time` is the sandbox's clock, `path` has the query; the token is masked everywhere.

    `status` is what was answered, None while or where nothing was. `body` is the text of a POST.
    """

    time: float
    method: str
    path: str
    call: str
    body: str | None = None
    status: int | None = None
    api_version: str | None = None


class AstroSandbox(AstroState):
    """One organization, on loopback from `start` to `stop`. Its state is described at `AstroState`.

    Args:
        organization, token: the only ones that it knows.
        port: 0 takes any free one.

    Attributes:
        url: the root, without a version; known after `start`.
        requests: everything that came in.
        faults: what goes wrong next.
    """

    def __init__(
        self,
        organization: str = "clm88r8hi000008jwhzxu5crg",
        token: str = "astro-sandbox-token",  # noqa: S107
        clock: Callable[[], float] = time.monotonic,
        build_seconds: float = 3.0,
        workspaces: int | Sequence[str | Json] = 3,
        port: int = 0,
        *,
        users: list[Json] | None = None,
    ) -> None:
        super().__init__(organization, clock, build_seconds, workspaces, users)
        self.token = token
        self.requests: list[Seen] = []
        self.faults = Faults()
        self._server = Server(self._app(), port, date_header=False)

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening; clusters stay, and a second `start` has the same port."""
        await self._server.stop()

    @property
    def url(self) -> str:
        return self._server.url

    # What Astro does when asked; each raises `Refused` where Astro refuses.

    def _create(self, request: Request, version: str) -> Response:
        body = parsed(request.state.content)
        known = {workspace["id"] for workspace in self.workspaces}
        if wrong := refusals(body, options=self.options, workspaces=known, version=version):
            raise Refused(400, f"Invalid request: {wrong[0].message}", wrong)
        name = body["name"]
        if any(cluster.name == name for cluster in self.clusters.values()):
            raise Refused(400, f"cluster name {name} already exists")
        cluster = self.keep(body, self.scripts.get(name, self.script), 0.0, self.commit_delay)
        self.creates.append(body)
        created = as_time(self.moment(cluster.created))
        return JSONResponse(cluster.answer(cluster.life.at(self.clock()), created, created))

    def _list(self, request: Request, version: str) -> Response:
        query, now = request.query_params, self.clock()
        names, provider = query.getlist("names"), query.get("provider")
        if provider is not None and provider not in PROVIDERS:
            raise Refused(400, "Invalid request: unknown provider", [Refusal("provider", "oneof", "unknown provider")])
        # A read moves a life that goes by polls, so only what this page shows is read.
        rows = [
            {"name": cluster.name, "createdAt": cluster.created, "updatedAt": cluster.life.since, "cluster": cluster}
            for cluster in self.clusters.values()
            if cluster.seen_from <= now
            and (not names or cluster.name in names)
            and provider in (None, cluster.body["cloudProvider"])
        ]
        found = page(rows, "clusters", query, _SORTABLE["clusters"])
        return JSONResponse(found | {"clusters": [self.shown(row["cluster"]) for row in found["clusters"]]})

    def _get(self, request: Request, version: str) -> Response:
        return JSONResponse(self.shown(self._asked_for(request)))

    def _delete(self, request: Request, version: str) -> Response:
        cluster = self._asked_for(request)
        if cluster.life.at(self.clock()).status in _BUSY:
            raise Refused(409, "a workflow is already running for this cluster")
        del self.clusters[cluster.id]
        return Response(status_code=204)

    def _asked_for(self, request: Request) -> Cluster:
        cluster = self.clusters.get(request.path_params["cluster"])
        if cluster is None:
            raise Refused(404, "Cluster not found")
        return cluster

    def _options(self, request: Request, version: str) -> Response:
        type, provider = request.query_params.get("type"), request.query_params.get("provider")
        if type not in TYPES:
            message = f"type must be one of {', '.join(TYPES)}" if type else "type is required"
            raise Refused(400, f"Invalid request: {message}", [Refusal("type", "oneof", message)])
        if provider is not None and provider not in PROVIDERS:
            raise Refused(400, "Invalid request: unknown provider", [Refusal("provider", "oneof", "unknown provider")])
        return JSONResponse([self.options[each] for each in PROVIDERS if provider in (None, each)])

    def _workspaces(self, request: Request, version: str) -> Response:
        query = request.query_params
        names, ids = query.getlist("names"), query.getlist("workspaceIds")
        rows = [row for row in self.workspaces if (not names or row["name"] in names) and (not ids or row["id"] in ids)]
        return JSONResponse(page(rows, "workspaces", query, _SORTABLE["workspaces"]))

    def _users(self, request: Request, version: str) -> Response:
        return JSONResponse(page(self.users, "users", request.query_params, _SORTABLE["users"]))

    def _organization(self, request: Request, version: str) -> Response:
        return JSONResponse(self.organization | ({"supportPlan": "BASIC"} if version == "v1beta1" else {}))

    # How it is asked.

    def _app(self) -> Starlette:
        platform: list[tuple[str, str, str, Handler]] = [
            ("POST", "/clusters", "create", self._create),
            ("GET", "/clusters", "list", self._list),
            ("GET", "/clusters/{cluster}", "get", self._get),
            ("DELETE", "/clusters/{cluster}", "delete", self._delete),
            ("GET", "/cluster-options", "options", self._options),
            ("GET", "/workspaces", "workspaces", self._workspaces),
            ("GET", "", "organization", self._organization),
        ]
        iam: list[tuple[str, str, str, Handler]] = [("GET", "/users", "users", self._users)]
        bases = [("/v1", "v1", platform + iam), ("/platform/v1beta1", "v1beta1", platform)]
        routes = [
            Route(f"{base}/organizations/{{organization}}{path}", self._asked(call, version, do), methods=[method])
            for base, version, calls in [*bases, ("/iam/v1beta1", "v1beta1", iam)]
            for method, path, call, do in calls
        ]
        return Starlette(routes=routes, exception_handlers={HTTPException: self._no_such_path})

    async def _no_such_path(self, request: Request, fault: Exception) -> Response:
        status = fault.status_code if isinstance(fault, HTTPException) else 500
        self.requests.append(self._seen(request, "", None))
        self.requests[-1].status = status
        return self._dated(error(status, "Not found" if status == 404 else "Method not allowed"))

    def _asked(self, call: str, version: str, do: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            content = request.state.content = await request.body()
            seen = self._seen(request, call, content.decode("utf-8", "replace") if request.method == "POST" else None)
            self.requests.append(seen)
            fault = self.faults.take(call)
            response = await self._broken(fault, request, version, do) if fault else self._do(request, version, do)
            if not isinstance(response, Severed):
                seen.status = response.status_code
            return self._dated(response)

        return endpoint

    def _dated(self, response: Response) -> Response:
        response.headers["Date"] = format_datetime(self.moment(self.clock()).replace(microsecond=0), usegmt=True)
        return response

    def _do(self, request: Request, version: str, do: Handler) -> Response:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return error(401, "Unauthorized")
        if request.path_params["organization"] != self.organization["id"]:
            return error(403, "Forbidden")
        if version == "v1" and request.headers.get("X-API-Version", "1.0") != "1.0":
            return error(400, "unknown X-API-Version")
        try:
            return do(request, version)
        except Refused as refused:
            return refused.response

    async def _broken(self, fault: Fault, request: Request, version: str, do: Handler) -> Response:
        if fault.late:
            await asyncio.sleep(fault.seconds)
        own = self._do(request, version, do) if fault.made else None
        if not fault.late:
            await asyncio.sleep(fault.seconds)
        if fault.reply == "none":
            return Severed(self._server.cut)
        if fault.reply == "given" or own is None:
            return Response(fault.content, fault.status, dict(fault.headers))
        if fault.reply == "half":
            return Severed(self._server.cut, own)
        if fault.reply == "taken":
            return error(400, f"cluster name {parsed(request.state.content)['name']} already exists")
        return own

    def _seen(self, request: Request, call: str, body: str | None) -> Seen:
        query = request.url.query
        path = request.url.path + (f"?{query}" if query else "")
        masked = None if body is None else body.replace(self.token, _MASK)
        version = request.headers.get("X-API-Version")
        return Seen(self.clock(), request.method, path.replace(self.token, _MASK), call, masked, api_version=version)
