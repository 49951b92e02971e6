"""A report as people read it (简报): Chinese text in Markdown, every figure from the report and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from gateway.domain.report import Rate, Report, ReportKind, UnitFigures

_TITLES: Mapping[ReportKind, str] = {
    ReportKind.WEEKLY: "周汇总",
    ReportKind.MONTHLY: "月通报",
    ReportKind.QUARTERLY: "季度分析",
    ReportKind.YEARLY: "年度报告",
    ReportKind.SPECIAL: "专报",
}


def brief(report: Report, hotline: str, word: Callable[[str], str], unit_name: Callable[[str], str]) -> str:
    """Return *report* of *hotline* in Markdown; *word* says keys and *unit_name* units in Chinese."""
    return "\n".join(_lines(report, hotline, word, unit_name)) + "\n"


def _lines(report: Report, hotline: str, word: Callable[[str], str], unit_name: Callable[[str], str]) -> Iterator[str]:
    days = report.days
    yield f"# {hotline}12345热线{_TITLES[days.kind]}（{days.first:%Y年%m月%d日}至{days.last:%m月%d日}）"
    yield ""
    yield f"共受理诉求{report.received}件，上期{report.before}件。{_listed(report.by_category, word)}"
    yield ""
    yield f"办理环节：{_listed(report.by_stage, word)}"
    if report.triggers:
        yield ""
        yield f"列入督办：{_listed(report.triggers, word)}"
    if report.units:
        yield from ("", "## 承办单位", "")
        yield "| 名次 | 单位 | 工单 | 办结 | 超期 | 响应率 | 按时办结率 | 解决率 | 满意率 | 知识库 | 得分 | 备注 |"
        yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
        yield from (_unit(each, word, unit_name) for each in report.units)
    if report.clauses:
        yield from ("", "## 条款", "", "| 依据 | 时限 | 已到期 | 按时 | 超期 |", "| --- | --- | --- | --- | --- |")
        for clause in report.clauses:
            yield f"| {clause.row} | {word(clause.kind.value)} | {clause.given} | {clause.met} | {clause.missed} |"
    if report.matters:
        yield from ("", "## 热点", "", "| 事项 | 本期 | 上期 | |", "| --- | --- | --- | --- |")
        for matter in report.matters:
            mark = "短期集中" if matter.is_burst else ""
            yield f"| {_cell(matter.matter)} | {matter.tickets} | {matter.before} | {mark} |"
    if report.hard:
        yield from ("", "## 疑难工单", "")
        for case in report.hard:
            why = "、".join(word(each) for each in case.why)
            yield f"- {case.id}（{unit_name(case.unit)}，{_cell(case.matter)}）：{why}"


def _unit(figures: UnitFigures, word: Callable[[str], str], unit_name: Callable[[str], str]) -> str:
    notes = [*(word(trigger) for trigger in figures.supervise), *(["连续两月排名后三"] if figures.is_flagged else [])]
    cells = (
        figures.rank or "—",
        _cell(unit_name(figures.unit)),
        figures.tickets,
        figures.closed,
        figures.overdue,
        *(_share(getattr(figures, name)) for name in ("response", "timeliness", "resolution", "satisfaction")),
        _share(figures.knowledge),
        "—" if figures.score is None else f"{figures.score:.2f}",
        "、".join(notes),
    )
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _share(rate: Rate) -> str:
    return "—" if rate.share is None else f"{rate.share:.1%}"


def _listed(counts: Mapping[str, int], word: Callable[[str], str]) -> str:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return "、".join(f"{word(key) if key else '未分类'}{count}件" for key, count in ordered)


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ") or "—"
