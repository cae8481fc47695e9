"""Reading known files again: those that may have been replaced, and a few of all others each night."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from flows.engine.context import FlowContext, Library
from sql.lake import Row, utc_now
from tasks.asset import Results
from tasks.files.verification import VERIFY_TOOL, KnownFile, Verification, verify_files, within_budget
from tasks.files.walk import Listing

BATCH_FILES = 256
MOST_FILES = 50_000  # looked at in one night, however small they are
STAGE = "verify"


@dataclass(slots=True)
class VerificationReport:
    """How many files have the bytes they had, were replaced by somebody, are damaged, or cannot be read."""

    same: int = 0
    replaced: int = 0
    damaged: int = 0
    unreadable: int = 0
    changing: int = 0


def verify_suspects(context: FlowContext, library: Library, listing: Listing) -> VerificationReport:
    """
    Read the files that a scan saw with another inode or change time; the replaced ones are read like new ones next.

    All of them where they are few. A remount can give a whole library new inodes: then no more than the nightly budget
    is read in one scan, and the next ones go on.
    """
    if not listing.files.num_rows:
        return VerificationReport()
    rows = context.lake.rows_using("scan/suspects", {"listing": listing.files}, library_id=library.library_id)
    return _verify(context, rows, f"scan of {library.name}")


def verify_oldest(context: FlowContext) -> VerificationReport:
    """Read what was not read for the longest time, `VERIFY_GIB_PER_NIGHT` of it."""
    rows = context.lake.rows("upkeep/longest_unverified", row_limit=MOST_FILES, tool_version=VERIFY_TOOL)
    return _verify(context, rows, "maintenance")


def _verify(context: FlowContext, rows: list[Row], who: str) -> VerificationReport:
    report = VerificationReport()
    budget_bytes = int(context.settings.verify_gib_per_night * (1 << 30))
    files = list(within_budget((KnownFile(**row) for row in rows), budget_bytes))
    for start in range(0, len(files), BATCH_FILES):
        verifications = verify_files(files[start : start + BATCH_FILES], context.settings.threads)
        _record(context, verifications, who)
        for verification in verifications:
            setattr(report, verification.verdict, getattr(report, verification.verdict) + 1)
    return report


def _record(context: FlowContext, verifications: list[Verification], who: str) -> None:
    by_verdict: dict[str, list[Verification]] = {}
    for verification in verifications:
        by_verdict.setdefault(verification.verdict, []).append(verification)
    said = ", ".join(f"{len(found)} {verdict}" for verdict, found in by_verdict.items())
    failures = Results()
    for verification in verifications:
        if verification.error is not None:
            failures.fail(
                verification.file, STAGE, verification.error, tool_version=VERIFY_TOOL,
                file_version=verification.file.content_hash or "",
            )  # fmt: skip
        elif verification.verdict != "changing":
            failures.clear(verification.file, STAGE)
    with context.lake.write(f"{who}, read again: {said}") as writer:
        if same := by_verdict.get("same"):
            with writer.using("verified", _table(same)):
                writer.run("upkeep/record_verified", now=utc_now())
        if replaced := by_verdict.get("replaced"):
            with writer.using("replaced", _table(replaced)):
                writer.run("upkeep/forget_fingerprints")
        writer.record(failures.rows, failures.cleared, context.run_id)


def _table(verifications: list[Verification]) -> pa.Table:
    return pa.table(
        {
            "asset_id": pa.array([each.file.asset_id for each in verifications], pa.int64()),
            "inode": pa.array([each.inode for each in verifications], pa.uint64()),
            "ctime_ns": pa.array([each.ctime_ns for each in verifications], pa.int64()),
        }
    )
