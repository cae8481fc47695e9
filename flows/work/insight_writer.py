"""Insights of one run: asked for photo by photo, kept with what else the batch came to."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from deployments.backlogs import insight_tool
from flows.engine.context import FlowContext
from flows.engine.models import run_and_close, servers_of
from flows.work.insight_sources import InsightSources
from sql.lake import Writer
from tasks.agent.insight import write_insight
from tasks.agent.transcripts import WrittenInsight, keep_insight
from tasks.asset import Asset, Results
from tasks.errors import AnswerCutOff, AssetError, EmptyAnswer, ModelRefused, ModelUnavailable, NotFound
from tasks.models.ollama import OllamaChat
from tasks.models.ollama_models import OllamaModels
from tasks.models.ollama_server import OllamaServer

log = logging.getLogger(__name__)

STAGE = "insight"
REFUSED_IN_A_ROW = 3  # then it is no fault of the photos
UNANSWERED_IN_A_ROW = 3  # then the model server is away


class NoInsight(AssetError):
    """The model refused to write about this photo, or wrote nothing."""

    tool = "chat model"


@dataclass(slots=True)
class Insights(Results):
    """Results with what was written, by asset."""

    written: list[tuple[Asset, WrittenInsight]] = field(default_factory=list)


@dataclass
class InsightWriter:
    """
    Writes about photos with the local model.

    Args:
        servers: Their breakers last as long as the run.
    """

    context: FlowContext
    servers: list[OllamaServer]
    sources: InsightSources
    _refused: list[tuple[Asset, NoInsight]] = field(default_factory=list, init=False)  # since the last success
    _unanswered: list[ModelUnavailable] = field(default_factory=list, init=False)  # likewise
    _asked_twice: set[int] = field(default_factory=set, init=False)  # photos whose batch was tried again

    def __call__(self, batch: Sequence[Asset]) -> Insights:
        """
        Raises:
            TransientError: The model server failed at a photo for the first time, or at one photo after another, or a
                source of the context is away; nothing is recorded.
            ModelRefused: One photo after another is refused, or not answered; none of these is recorded.
        """
        results = Insights()
        for asset in batch:
            self._one(asset, results)
        return results

    def _one(self, asset: Asset, results: Insights) -> None:
        try:
            written = self._written(asset)
        except (EmptyAnswer, ModelRefused) as exc:
            self._give_up(asset, exc, results)
        except (AnswerCutOff, NotFound) as exc:  # this one is tried first next time; the others need not wait for it
            log.warning("insights: %s is left for the next run: %s", asset.rel_path, exc)
            results.left += 1
        except ModelUnavailable as exc:  # the server may fail at this photo only: the others have their turn
            if asset.asset_id not in self._asked_twice:
                self._asked_twice.add(asset.asset_id)
                raise
            log.warning("insights: %s is left for the next run: %s", asset.rel_path, exc)
            self._unanswered.append(exc)
            if len(self._unanswered) >= UNANSWERED_IN_A_ROW:
                raise
            results.left += 1
        else:
            self._unanswered.clear()
            self._believe(results)
            results.written.append((asset, written))
            results.clear(asset, STAGE)
            results.done += 1

    def _written(self, asset: Asset) -> WrittenInsight:
        photo = self.context.lake.one("ai/photo", asset_id=asset.asset_id)
        if photo is None or photo["content_hash"] != asset.content_hash:
            raise NotFound("it has changed or gone meanwhile")
        writing = write_insight(OllamaChat(self.servers), photo, self.sources.of(asset))
        return run_and_close(self.servers, writing)

    def _give_up(self, asset: Asset, exc: EmptyAnswer | ModelRefused, results: Insights) -> None:
        """
        Held back until another photo is answered: only then is it the photo's own fault.

        Raises:
            ModelRefused: One after the other; none of these is recorded.
        """
        self._refused.append((asset, NoInsight(asset.rel_path, str(exc))))
        results.left += 1
        if len(self._refused) >= REFUSED_IN_A_ROW:
            raise ModelRefused(f"{len(self._refused)} photos in a row: {exc}") from exc

    def given_up(self) -> Insights:
        """
        At the end of a run: what was refused last, too little to blame the model for.

        Raises:
            ModelUnavailable: The last photos were not answered: the server may be away.
        """
        if self._unanswered:
            raise self._unanswered[-1]
        results = Insights()
        self._believe(results)
        return results

    def _believe(self, results: Insights) -> None:
        for asset, problem in self._refused:
            version = asset.content_hash or ""
            results.fail(asset, STAGE, problem, tool_version=insight_tool(self.context.settings), file_version=version)
            results.left -= 1
        self._refused.clear()


def insight_writer(context: FlowContext) -> tuple[InsightWriter | None, str]:
    """With the chat model, where a server answers that has it; else None and what is in the way, server by server."""
    servers = servers_of(context.settings)
    models = OllamaModels(servers)
    listed = run_and_close(servers, models.listing())
    if not any(found.has_model for found in listed):
        said = (found.error or f"no model {found.model}: `ollama pull {found.model}`" for found in listed)
        pairs = zip((found.server for found in listed), said, strict=True)
        return None, "; ".join(f"{server}: {why}" for server, why in pairs) or "no OLLAMA_PRIMARY_URL"
    sees = run_and_close(servers, models.all_see())
    return InsightWriter(context, servers, InsightSources(context, servers, models, attach=sees)), ""


def record_insights(context: FlowContext, results: Results, message: str) -> None:
    """One commit a batch. Whoever asked for an insight of the same photo meanwhile has it, and ours is dropped."""
    assert isinstance(results, Insights)
    if not (results.written or results.rows):
        return
    with context.lake.write(message) as writer:
        for asset, written in results.written:
            if not _has_one(writer, asset):
                keep_insight(writer, written, "flow", None)
        writer.record(results.rows, results.cleared, context.run_id)


def _has_one(writer: Writer, asset: Asset) -> bool:
    return bool(writer.run("ai/has_insight", content_hash=asset.content_hash))
