"""What the routes of summaries, insights and chat take and answer; the shapes in /docs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Summary(BaseModel):
    summary_id: int
    contact: str
    day: date
    summary: str
    kind: str = Field(description="model, or extractive: sentences picked where no model could be asked")
    message_count: int
    model: str
    recorded_at: datetime


class FoundSummary(Summary):
    score: float = Field(description="Cosine, -1 to 1")


class Summaries(BaseModel):
    summaries: list[Summary]
    has_more: bool


class FoundSummaries(BaseModel):
    summaries: list[FoundSummary]
    embedding_model: str


class LocalModels(BaseModel):
    servers: list[dict[str, Any]] = Field(description="Per server: what it has, what each model can do, what is pulled")


class PullRequest(BaseModel):
    model: str = Field(min_length=1, max_length=200, examples=["llava:7b"])
    server: Literal["primary", "fallback"] = Field("primary", description="Which Ollama server is to have it")


class Pulling(BaseModel):
    server: str
    model: str
    state: Literal["pulling"] = "pulling"


class Picker(BaseModel):
    models: list[str]
    default_model: str
    configured: bool


class ChatOptionsBody(BaseModel):
    """How a model is to answer."""

    backend: Literal["local", "hybrid"] | None = Field(
        None, description="hybrid: words go to OpenRouter, pictures never"
    )
    model: str | None = Field(None, max_length=200, description="Absent: the configured one")
    num_ctx: int | None = Field(None, ge=2_048, le=1 << 20, description="Context window, tokens")
    temperature: float | None = Field(None, ge=0, le=2, allow_inf_nan=False)
    max_iterations: int | None = Field(None, ge=0, le=1_000, description="Clamped to AGENTIC_CHAT_MAX_ITERATIONS")


class ChatRequest(ChatOptionsBody):
    message: str = Field(min_length=1, max_length=32_000, examples=["How many days were we in Italy, by year?"])
    conversation_id: int | None = Field(None, ge=1, le=1 << 53, description="To go on with; absent: a new one")


class ChatAnswer(BaseModel):
    assistant_message: str
    tool_calls: list[dict[str, Any]] = Field(description="name, arguments, result, and sql of query_catalog")
    iterations: int
    capped: bool = Field(description="The model was made to answer at the cap of tool rounds")
    truncated: bool = Field(description="Older messages were left out, or the answer cut")
    empty: bool = Field(description="The model gave no answer; assistant_message says so")
    backend: str
    model: str
    server: str
    cited: list[dict[str, Any]] = Field(description="Photos and summaries that the tools found")
    conversation_id: int | None = None
    amended_insight_id: int | None = None


class ChatHistory(BaseModel):
    conversation_id: int
    messages: list[dict[str, Any]] = Field(description="role, content, is_initial, tools: [{name, arguments, result}]")
    turn_count: int
    model: str | None
    backend: str


class Conversations(BaseModel):
    conversations: list[dict[str, Any]]


class InsightRequest(ChatOptionsBody):
    file_path: str = Field(min_length=1, max_length=8_192, examples=["2012/summer/ladybug.jpg"])
    library: str | None = Field(None, max_length=1_000, description="Id or name; absent: the first that has it")


class InsightChatRequest(InsightRequest):
    user_message: str = Field(min_length=1, max_length=32_000)
    amend: bool = Field(False, description="Rewrite the insight: a new one is kept, with a transcript of its own")


class Rewind(BaseModel):
    file_path: str = Field(min_length=1, max_length=8_192)
    library: str | None = Field(None, max_length=1_000)
    discard_from_rendered_index: int = Field(
        ge=0, le=1 << 31, description="As GET /insights/chat/history counts, from 0"
    )


class Rating(BaseModel):
    file_path: str = Field(min_length=1, max_length=8_192)
    library: str | None = Field(None, max_length=1_000)
    rating: Literal[1, -1, 0] = Field(description="1 thumbs up, -1 thumbs down, 0 takes it back")


class Insight(BaseModel):
    id: int
    file_path: str
    title: str
    summary: str
    generated_at: datetime
    model_version: str
    backend: str
    server: str | None = None
    made_by: str
    rating: int | None = None
    is_current: bool = True


class Insights(BaseModel):
    insights: list[dict[str, Any]]
    has_more: bool
