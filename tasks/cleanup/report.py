"""Report a cleanup or a restore: as an artifact for a person, as events for the alerts."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from tasks.cleanup.announce import announce_large_deletion, announce_success
from tasks.cleanup.audit import Operation
from tasks.cleanup.rules import Approval, CleanupRequest, RestorePreview, TablePreview
from tasks.runtime import markdown
from tasks.runtime.artifacts import write_markdown
from tasks.runtime.run import Run
from tasks.runtime.steps import step


class CleanupReport(BaseModel):
    """What came of a run. ``summary`` is one line."""

    model_config = ConfigDict(frozen=True)

    previews: tuple[TablePreview, ...]
    tables: tuple[Operation, ...]
    refusal: str | None
    summary: str
    markdown: str
    """What the artifact says."""

    @property
    def is_done(self) -> bool:
        """Whether nothing went wrong."""
        looked = all(preview.error is None for preview in self.previews)
        return looked and all(table.errors is None for table in self.tables)


class RestoreReport(BaseModel):
    """What came of a restore; ``restored`` is None in a dry run."""

    model_config = ConfigDict(frozen=True)

    preview: RestorePreview
    restored: int | None
    summary: str
    markdown: str


@step("report", run_name="report")
def report_cleanup(
    run: Run,
    request: CleanupRequest,
    previews: Sequence[TablePreview],
    doubts: Sequence[str],
    approval: Approval,
    tables: Sequence[Operation],
    dropped_backups: Sequence[str],
) -> CleanupReport:
    """Publish the summary as an artifact, and announce a success or a large deletion as events.

    Every run writes a version of the artifact ``cleanup-summary``: its page in the UI is the history.
    """
    deleted = sum(table.deleted - table.restored for table in tables)
    summary = _summary(request, previews, approval, tables, deleted)
    lines = [f"# Cleanup, {request.as_of}", "", "## Preview", "", preview_markdown(previews, doubts), *_results(tables)]
    if dropped_backups:
        lines += ["", "Backups that had expired and were dropped:", "", *(f"- `{name}`" for name in dropped_backups)]
    report = CleanupReport(
        previews=tuple(previews),
        tables=tuple(tables),
        refusal=approval.refusal,
        summary=summary,
        markdown="\n".join([*lines, ""]),
    )
    write_markdown("cleanup-summary", report.markdown, description=summary)
    if deleted > run.settings.cleanup_alert_rows:
        announce_large_deletion(run.settings, request.cleanup_type, report.summary, deleted)
    if report.is_done and not request.previews_only:
        announce_success(run.settings, request.cleanup_type, report.summary, deleted)
    return report


@step("report", run_name="report")
def report_restore(preview: RestorePreview, restored: int | None) -> RestoreReport:
    """Publish what a restore found and did, as a version of the artifact ``restore-summary``."""
    found = f"{preview.full_name} lacks {preview.missing:,} of the {preview.row_count:,} rows of {preview.backup}"
    done = "dry run, nothing was put back" if restored is None else f"{restored:,} were put back"
    summary = f"{found}; {done}"
    facts = {
        "backup": preview.backup,
        "table": preview.full_name,
        "days": f"{preview.oldest or ''} to {preview.newest or ''}",
        "rows in the backup": f"{preview.row_count:,}",
        "of them missing": f"{preview.missing:,}",
        "put back": f"{restored or 0:,}",
    }
    lines = ["# Restore", "", *markdown.table(("", ""), facts.items())]
    text = "\n".join([*lines, "", "The next cleanup takes rows before its cutoff again.", ""])
    write_markdown("restore-summary", text, description=summary)
    return RestoreReport(preview=preview, restored=restored, summary=summary, markdown=text)


def preview_markdown(previews: Sequence[TablePreview], doubts: Sequence[str] = ()) -> str:
    """Return what is stale as a list, which a narrow form shows whole. Grain: table."""
    lines = [f"**Is today's date right?** {markdown.text(text[0].upper() + text[1:])}.\n" for text in doubts]
    lines += [f"**{sum(preview.row_count for preview in previews)} rows** are stale.", ""]
    for p in previews:
        days = f" of {len(p.stale):,} days, {p.oldest} to {p.newest}" if p.stale else ""
        lines.append(f"- {p.full_name}: **{p.row_count:,} rows**{days}; cutoff {p.cutoff}, {p.ttl_days} days ago")
        lines += [f"    - {markdown.text(text)}" for text in (p.error, *p.notes) if text]
    return "\n".join([*lines, "", "Rows before the cutoff are stale; rows of the cutoff day itself stay."])


def _results(tables: Sequence[Operation]) -> list[str]:
    if not tables:
        return []
    lines = ["", "## Result", "", "| table | deleted | put back | verified |", "|---|--:|--:|---|"]
    for table in tables:
        verified = "" if table.verified is None else "yes" if table.verified else "no"
        lines.append(f"| {table.table_name} | {table.deleted:,} | {table.restored:,} | {verified} |")
    said = [
        f"- {table.table_name}: {markdown.text(text)}"
        for table in tables
        for text in (table.errors, table.notes)
        if text
    ]
    said += [f"- backup of {table.table_name}: `{table.backup_name}`" for table in tables if table.backup_name]
    return [*lines, *(["", *said] if said else [])]


def _summary(
    request: CleanupRequest,
    previews: Sequence[TablePreview],
    approval: Approval,
    tables: Sequence[Operation],
    deleted: int,
) -> str:
    stale = sum(preview.row_count for preview in previews)
    failed = [preview.error for preview in previews if preview.error]
    if request.previews_only:
        head = f"dry run: {stale:,} rows of {len(previews)} tables are stale, nothing was deleted"
        return "; ".join([head, *failed])
    if approval.refusal:
        return f"{stale:,} rows are stale; {approval.refusal}"
    problems = [table.line for table in tables if table.errors]
    return "; ".join([f"{deleted:,} of {stale:,} stale rows deleted from {len(tables)} tables", *problems])
