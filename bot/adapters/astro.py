"""Astro's public API, as far as we call it. The only module that knows httpx.

What comes back is plain JSON, unread beyond its outer shape: what Astro's words mean is for `bot.clusters` to say.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx
import stamina

from bot.adapters.astro_answers import PAGE_SIZE, Row, as_answer, read, read_page
from bot.clusters.outcome import Answer
from bot.errors import Limited, NoAnswer, NothingSent, Refused

TRIES = 3
CONNECT_SECONDS = 5.0

Observe = Callable[[str, str, float], None]


@dataclass(frozen=True)
class _Patience:
    """How long one call to us may take altogether, and so each of the requests in it."""

    ends: float
    request: httpx.Timeout

    @property
    def left(self) -> float:
        return self.ends - asyncio.get_running_loop().time()


class Astro:
    """One organization at Astro.

    Args:
        root: address without a version, such as `https://api.astronomer.io`.
        version: `v1`, or `v1beta1` (its support ends in January 2027), which keeps users under a base of their own.
        organization: the organization's id.
        token: an Organization token, or what reads it anew for each request, so that it can be changed while we run.
        transport: replaces the network.
        observe: told of every request: the call's name, its HTTP status or how it failed, and the seconds it took.

    Every method may raise `NothingSent` and `NoAnswer`, those that read also `Limited` and `Refused`. No message, cause
    or `repr` of them holds the token.
    """

    def __init__(
        self,
        *,
        root: str,
        version: Literal["v1", "v1beta1"],
        organization: str,
        token: str | Callable[[], str],
        transport: httpx.AsyncBaseTransport | None = None,
        observe: Observe | None = None,
    ) -> None:
        root = root.rstrip("/")
        platform, iam = (
            (f"{root}/v1", f"{root}/v1") if version == "v1" else (f"{root}/platform/v1beta1", f"{root}/iam/v1beta1")
        )
        self._home = f"{platform}/organizations/{quote(organization, safe='')}"
        self._iam_home = f"{iam}/organizations/{quote(organization, safe='')}"
        self._token = token
        self._observe = observe
        headers = {"Accept": "application/json", "User-Agent": "astro-cluster-bot"}
        if version == "v1":
            headers["X-API-Version"] = "1.0"  # pins the minor version
        verify = httpx.create_ssl_context(trust_env=False)

        def client(limits: httpx.Limits) -> httpx.AsyncClient:
            return httpx.AsyncClient(
                headers=headers,
                transport=transport,
                limits=limits,
                verify=verify,
                trust_env=False,
                follow_redirects=False,  # a redirect must not carry the token elsewhere
            )

        self._reads = client(httpx.Limits(max_connections=20, max_keepalive_connections=5))
        # An idle connection that the other side is just closing would leave us not knowing whether a cluster was made.
        self._creates = client(httpx.Limits(max_connections=20, max_keepalive_connections=0))

    def __repr__(self) -> str:
        return f"Astro({self._home!r})"

    async def create_cluster(self, body: Mapping[str, Any], *, timeout: float) -> Answer:
        """Ask for a cluster: one request, never repeated.

        `timeout` is the total in seconds. Any HTTP answer at all is returned, whatever its status; what it proves is
        for `bot.clusters.outcome` to say. Raises `NothingSent` when no connection came about, else `NoAnswer`.
        """
        call = "create_cluster"
        async with self._within(call, timeout, reading=timeout) as patience:
            return await self._send(
                self._creates, call, "POST", f"{self._home}/clusters", patience, body=json.dumps(dict(body)).encode()
            )

    async def clusters(self, *, names: Sequence[str] = (), timeout: float = 10) -> list[Row]:
        """Every cluster of the organization, oldest first, or those that Astro lists under one of these names.

        All pages or none: when one of them fails or doesn't fit the others, it raises, for a part of a list proves no
        absence. How exactly Astro compares names is not documented, so the caller compares again.
        """
        return await self._pages("list_clusters", f"{self._home}/clusters", "clusters", timeout, names)

    async def cluster(self, id: str, *, timeout: float = 10) -> Row | None:
        """One cluster, or None when Astro says 404: there is none of this id (any more)."""
        if not id.strip("."):
            return None  # "", "." and ".." would be another path
        call = "get_cluster"
        try:
            async with self._within(call, timeout) as patience:
                found = await self._get(call, f"{self._home}/clusters/{quote(id, safe='')}", {}, patience)
        except Refused as refused:
            if refused.code == "404":
                return None
            raise
        if not isinstance(found, dict) or found.get("id") != id:
            raise NoAnswer(call, "the answer is not the cluster that was asked for")
        return found

    async def cluster_options(self, type: str, *, timeout: float = 10) -> list[Row]:
        """What may be chosen for a cluster of this type (DEDICATED, HYBRID), an entry for each provider."""
        call = "cluster_options"
        async with self._within(call, timeout) as patience:
            found = await self._get(call, f"{self._home}/cluster-options", {"type": type}, patience)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise NoAnswer(call, "the answer is not a list of options")
        return found

    async def workspaces(self, *, timeout: float = 10) -> list[Row]:
        """Every Workspace of the organization; all pages or none."""
        return await self._pages("list_workspaces", f"{self._home}/workspaces", "workspaces", timeout)

    async def users(self, *, timeout: float = 10) -> list[Row]:
        """Every user of the organization; all pages or none. Astro can't filter them by e-mail."""
        return await self._pages("list_users", f"{self._iam_home}/users", "users", timeout)

    async def organization(self, *, timeout: float = 10) -> Row:
        """The organization itself."""
        call = "get_organization"
        async with self._within(call, timeout) as patience:
            found = await self._get(call, self._home, {}, patience)
        if not isinstance(found, dict):
            raise NoAnswer(call, "the answer is not an organization")
        return found

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._reads.aclose()
        await self._creates.aclose()

    async def _pages(self, call: str, url: str, key: str, timeout: float, names: Sequence[str] = ()) -> list[Row]:
        rows: dict[str, Row] = {}
        total: int | None = None
        async with self._within(call, timeout) as patience:
            while total is None or len(rows) < total:
                # Oldest first: what is made while we read comes last, and shifts nothing.
                params = {"limit": PAGE_SIZE, "offset": len(rows), "sorts": "createdAt:asc", "names": list(names)}
                page = read_page(call, await self._get(call, url, params, patience), key, len(rows))
                if total not in (None, page.total):
                    raise NoAnswer(call, "the list changed while it was being read")
                total = page.total
                before = len(rows)
                rows.update((row["id"], row) for row in page.rows)
                if len(rows) != before + len(page.rows):
                    raise NoAnswer(call, "the pages overlap")
        return list(rows.values())

    async def _get(self, call: str, url: str, params: Mapping[str, Any], patience: _Patience) -> Any:
        """The JSON of a 2xx, after at most three tries."""

        async def once() -> Any:
            return read(call, await self._send(self._reads, call, "GET", url, patience, params=params))

        def again(fault: Exception) -> bool | float:
            if isinstance(fault, Limited) and fault.retry_after is not None:
                # Nobody waits for what won't come in time; the caller has better use for the number.
                return fault.retry_after if fault.retry_after < patience.left else False
            return isinstance(fault, Limited | NothingSent | NoAnswer)

        retry = stamina.AsyncRetryingCaller(
            attempts=TRIES, timeout=None, wait_initial=0.1, wait_max=1.0, wait_jitter=0.2
        )
        return await retry(again, once)

    async def _send(
        self,
        client: httpx.AsyncClient,
        call: str,
        method: str,
        url: str,
        patience: _Patience,
        *,
        params: Mapping[str, Any] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request, and whatever HTTP answers it."""
        loop = asyncio.get_running_loop()
        began, label = loop.time(), "no_answer"
        request = client.build_request(
            method,
            url,
            params=params or None,
            content=body,
            headers=self._headers(call, body),
            timeout=patience.request,
        )
        # `from None` below: the cause's frames hold the token.
        try:
            response = await client.send(request)
            label = str(response.status_code)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
            label = "nothing_sent"
            raise NothingSent(call, _plain("no connection to Astro", fault)) from None
        except httpx.HTTPError as fault:
            raise NoAnswer(call, _plain("the connection failed before the answer was complete", fault)) from None
        finally:
            if self._observe is not None:
                self._observe(call, label, loop.time() - began)
        return as_answer(response.status_code, response.headers, response.content)

    def _headers(self, call: str, body: bytes | None) -> dict[str, str]:
        try:
            token = (self._token if isinstance(self._token, str) else self._token()).strip()
        except (OSError, ValueError) as fault:
            raise NothingSent(call, _plain("the Astro token could not be read", fault)) from None
        # Anything else can't stand in a header, and the library's complaint would quote it.
        if not token or not all("!" <= letter <= "~" for letter in token):
            raise NothingSent(call, "ASTRO_API_TOKEN is empty or has characters that no token has")
        return {"Authorization": f"Bearer {token}"} | ({"Content-Type": "application/json"} if body is not None else {})

    @contextlib.asynccontextmanager
    async def _within(self, call: str, timeout: float, *, reading: float | None = None) -> AsyncIterator[_Patience]:
        """A total of `timeout` seconds, after which `NoAnswer` is raised.

        Waiting for a connection, making it and its TLS get a quarter each: so the total can only run out once something
        may have been sent. A request that reads gets half of it, so that one that hangs leaves time for another.
        """
        connecting = min(CONNECT_SECONDS, timeout / 4)
        reading = timeout / 2 if reading is None else reading
        limits = httpx.Timeout(connect=connecting, pool=connecting, read=reading, write=reading)
        try:
            async with asyncio.timeout(timeout):
                yield _Patience(asyncio.get_running_loop().time() + timeout, limits)
        except TimeoutError:
            raise NoAnswer(call, f"no answer within {timeout:g} seconds") from None


def _plain(what: str, fault: Exception) -> str:
    return f"{what} ({type(fault).__name__}{f': {fault}' if str(fault) else ''})"
