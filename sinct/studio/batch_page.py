"""The addresses of a batch's page, and of the viewer of Deep Zooms."""

import re
import shlex
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from sinct.batch import storage
from sinct.errors import InputError
from sinct.runtime.files import printable
from sinct.studio import zoom
from sinct.studio.batch_rows import place_of
from sinct.studio.batch_start import asked_in, begin
from sinct.studio.batches import Batches
from sinct.studio.bodies import Json, as_json, choices_in, json_body
from sinct.studio.few import AT_ONCE, Few
from sinct.studio.news import news
from sinct.studio.studio import Studio

TILE = re.compile(r"(\d{1,2})/(\d{1,9})_(\d{1,9})\.([a-z]{3,4})", re.ASCII)
"""A tile: its level, its column, its row and its kind."""

VENDORED = Path(__file__).parent / "vendored"
"""Folder of scripts that others have written."""

KEPT = 6
"""Large pictures that are kept in memory, so that going back to one is quick."""


class BatchRoutes:
    """Answers what a batch's page asks for.

    Args:
        studio: the studio.
        environment: templates.
        closing: whether the server is about to end.
    """

    def __init__(self, studio: Studio, environment: Environment, closing: Callable[[], bool]) -> None:
        self.batches = Batches(studio)
        self._studio, self._environment, self._closing = studio, environment, closing
        self._few = Few(AT_ONCE)
        self._large = lru_cache(KEPT)(lambda batch, key, role, stamp: self.batches.large(batch, key, role))

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/batch", self.page),
            Route("/zoom", self.zoom_page),
            Route("/vendored/openseadragon.js", self.script),
            Route("/api/batches", self.begin, methods=["POST"]),
            Route("/api/batch/events", self.events),
            Route("/api/batch/job", self.job),
            Route("/api/batch/picture", self.picture),
            Route("/api/batch/export", self.export),
            Route("/api/batch/judge", self.judge, methods=["POST"]),
            Route("/api/batch/retry", self.retry, methods=["POST"]),
            Route("/api/batch/resume", self.resume, methods=["POST"]),
            Route("/api/batch/stop", self.stop, methods=["POST"]),
            Route("/api/tiles/{role}/{level}/{tile}", self.tile),
        ]

    def links(self) -> dict[str, Any]:
        """What the studio's own page leads to: batches, Deep Zooms, and results that should be some."""
        folder = printable(self._studio.folder.name)
        return {
            "batches": [
                (f"/batch?of={_quoted(name)}", printable(name) or folder) for name in self.batches.names()
            ],
            "zooms": [
                (f"/zoom?picture={_quoted(name)}", printable(name)) for name in zoom.deep_zooms(self._studio)
            ],
            "large": zoom.large_results(self._studio),
        }

    async def page(self, request: Request) -> Response:
        """The page of a batch."""
        name = _batch(request)
        folder = await run_in_threadpool(self.batches.folder, name)
        return self._rendered(
            "batch.html",
            folder=printable(folder.name),
            name=name,
            quoted=shlex.quote(printable(folder)),
        )

    def _rendered(self, template: str, **values: Any) -> Response:
        return HTMLResponse(self._environment.get_template(template).render(**values))

    async def script(self, request: Request) -> Response:
        """OpenSeadragon."""
        return FileResponse(VENDORED / "openseadragon.js", media_type="text/javascript")

    # The table -----------------------------------------------------------------------------------------

    async def events(self, request: Request) -> Response:
        """The jobs and whatever changes of them, as server-sent events."""
        name = _batch(request)
        await run_in_threadpool(self.batches.table, name)  # refuses a batch that there is not
        return StreamingResponse(self._changes(name), media_type="text/event-stream")

    def _changes(self, name: str) -> AsyncIterator[str]:
        rows: dict[str, dict[str, Any]] = {}
        state: dict[str, Any] | None = None

        def told(now: tuple[dict[str, dict[str, Any]], dict[str, Any]]) -> str:
            nonlocal rows, state
            changed = [row for key, row in now[0].items() if rows.get(key) is not row]
            order = list(now[0]) if list(now[0]) != list(rows) else None
            if not changed and order is None and now[1] == state:
                return ""
            rows, state = now
            return f"data: {as_json({'rows': changed, 'order': order, 'state': state})}\n\n"

        def gone(error: Exception) -> str:
            return f"data: {as_json({'fault': ' '.join(str(error).split())})}\n\n"

        def look() -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
            return self._told(name)

        return news(look, told, gone, there=lambda: self.batches.has(name), closing=self._closing)

    def _told(self, name: str) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        rows = dict(self.batches.table(name).rows)
        return rows, {**self.batches.state(name), "retried": self.batches.retried(name)}

    async def job(self, request: Request) -> Response:
        """What else the page says of one job: how its result can be seen at full size."""
        name, key = _batch(request), request.query_params.get("job", "")
        return Json(await run_in_threadpool(self._described, name, key))

    def _described(self, name: str, key: str) -> dict[str, Any]:
        """Whether there is a Deep Zoom; the command that makes one of a large result; why it cannot be shown."""
        entry = self.batches.entry(name, key)
        row = self.batches.table(name).rows[key]
        made = zoom.deep_of(entry.job.output)
        found = {"zoom": False, "command": "", "fault": ""}
        if made is None or not (row["deep"] or row["large"]):
            return found
        if row["large"] and not made.exists():
            model, options = self.batches.model(name, key), self.batches.options(name, key)
            return {**found, "command": zoom.apply_command(model, Path(entry.painting), made, *options)}
        try:
            zoom.of_job(self._studio, self.batches, name, key)
        except InputError as error:
            return {**found, "fault": " ".join(str(error).split())}
        return {**found, "zoom": True}

    async def begin(self, request: Request) -> Response:
        """Begin a new batch."""
        asked = await json_body(request, pictures=list, preset=str)
        arguments = (asked_in(asked["pictures"]), asked["preset"], choices_in(asked))
        return Json({"name": await run_in_threadpool(begin, self._studio, self.batches, *arguments)}, 201)

    async def judge(self, request: Request) -> Response:
        """Accept or reject pictures."""
        asked = await json_body(request, jobs=list, verdict=str, note=str)
        arguments = (_batch(request), _texts(asked["jobs"]), asked["verdict"], asked["note"])
        return Json({"report": await run_in_threadpool(self.batches.judge, *arguments)})

    async def retry(self, request: Request) -> Response:
        """Begin to make jobs anew."""
        asked = await json_body(request, jobs=list)
        await run_in_threadpool(self.batches.retry, _batch(request), _texts(asked["jobs"]))
        return Json({}, 202)

    async def resume(self, request: Request) -> Response:
        """Begin to do what is left."""
        await run_in_threadpool(self.batches.resume, _batch(request))
        return Json({}, 202)

    async def stop(self, request: Request) -> Response:
        """Ask the studio's process to end."""
        await run_in_threadpool(self.batches.stop, _batch(request))
        return Json({}, 202)

    async def export(self, request: Request) -> Response:
        """The table of the jobs as a file."""
        asked = request.query_params
        suffix = asked.get("kind", ".csv")
        name = _batch(request)
        text = await run_in_threadpool(self.batches.export, name, suffix, asked.get("only", ""))
        title = (await run_in_threadpool(self.batches.folder, name)).name
        file = f"{printable(title)}-{asked.get('only') or 'jobs'}{suffix}"
        answer = Response(text.encode("utf-8", "replace"), media_type="application/octet-stream")
        answer.headers["content-disposition"] = _attachment(file)
        return answer

    # Pictures ------------------------------------------------------------------------------------------

    async def picture(self, request: Request) -> Response:
        """A job's painting, photo or result, small or large."""
        asked = request.query_params
        name, key, role = _batch(request), asked.get("job", ""), asked.get("role", "")
        if asked.get("size") == "large":
            return Response(await self._few(self._seen, name, key, role), media_type="image/png")
        data = await self._few(self.batches.small, name, key, role)
        return Response(data, media_type="image/jpeg")

    def _seen(self, name: str, key: str, role: str) -> bytes:
        place = place_of(self.batches.entry(name, key), role, self.batches.folder(name))
        stamp = tuple(storage.stamp(place)) if place and not storage.is_remote(place) else ()
        data: bytes = self._large(name, key, role, stamp)
        return data

    # Deep Zoom -----------------------------------------------------------------------------------------

    async def zoom_page(self, request: Request) -> Response:
        """The viewer of a Deep Zoom."""
        found = await run_in_threadpool(self._zoom, request)
        job = request.query_params.get("job")
        batch = _batch(request)
        parts = [("Painting", "painting", found.painting), ("Result", "result", found.result)]
        return self._rendered(
            "zoom.html",
            title=found.title,
            command=found.command,
            back="/" if job is None else f"/batch?of={_quoted(batch)}#{job}",
            parts=[
                {
                    "label": label,
                    "tiles": f"/api/tiles/{role}/",
                    "query": f"?{request.url.query}",
                    "width": deep.width,
                    "height": deep.height,
                    "size": deep.tile_size,
                    "overlap": deep.overlap,
                    "kind": deep.kind,
                }
                for label, role, deep in parts
                if deep is not None
            ],
        )

    def _zoom(self, request: Request) -> zoom.Zoom:
        asked = request.query_params
        if "job" in asked:
            return zoom.of_job(self._studio, self.batches, _batch(request), asked["job"])
        return zoom.of_file(self._studio, asked.get("picture", ""))

    async def tile(self, request: Request) -> Response:
        """A tile of a Deep Zoom."""
        return FileResponse(await run_in_threadpool(self._tile, request))

    def _tile(self, request: Request) -> Path:
        asked = request.path_params
        deep = self._zoom(request).part(asked["role"])
        named = TILE.fullmatch(f"{asked['level']}/{asked['tile']}")
        if named is None or named[4] != deep.kind:
            raise InputError("there is no such tile")
        return deep.tile(int(named[1]), int(named[2]), int(named[3]))


def _batch(request: Request) -> str:
    return request.query_params.get("of", "")


def _quoted(text: str) -> str:
    """A text as part of an address; a name that is no UTF-8 leads nowhere."""
    return quote(text, safe="", errors="replace")


def _attachment(file: str) -> str:
    """The header that makes a browser keep an answer as a file of this name."""
    return f"attachment; filename*=UTF-8''{_quoted(file)}"


def _texts(values: list[Any]) -> list[str]:
    if not all(isinstance(value, str) for value in values):
        raise InputError("jobs must be their ids")
    return values
