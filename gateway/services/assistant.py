"""The text assistant (智能客服): it says what a published article of the knowledge base says, and nothing else.

An answer needs an article that is valid today and words of it that are more than chance; otherwise there is none, and a
person answers.
"""

from __future__ import annotations

from gateway.domain.knowledge import Content
from gateway.ports.intake import AssistantAnswer
from gateway.services.knowledge import Librarian

LONGEST = 500
"""Characters of an article that are said; the rest is read in the article."""
ENOUGH = 4
"""Characters of a question that an article has to share with it."""


class KnowledgeAssistant:
    """`gateway.ports.intake.Assistant` over the knowledge base."""

    def __init__(self, librarian: Librarian) -> None:
        self._librarian = librarian

    async def answer(self, question: str) -> AssistantAnswer | None:
        """Return an answer with its source, None when the knowledge base has none. Raises `Unavailable`."""
        hits = await self._librarian.search(question, limit=1)
        if not hits or len("".join(hits[0].evidence)) < min(ENOUGH, len(question.strip())):
            return None
        content = hits[0].version.content
        body = content.body.strip()
        return AssistantAnswer(
            text=body if len(body) <= LONGEST else body[: LONGEST - 1] + "…", source=_source(content)
        )


def _source(content: Content) -> str:
    """Return where the words are from, and how long they hold."""
    until = f"，有效期至{content.valid_until:%Y年%m月%d日}" if content.valid_until else ""
    based = f"，依据{content.source}" if content.source else ""
    return f"《{content.title}》（{content.unit}{until}{based}）"
