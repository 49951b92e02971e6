"""HTML mail as text: what the sender's reader would see, without scripts, styles, hidden words and quoted history.

The tree is lxml's, the layout inscriptis's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from inscriptis import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml import etree, html

LARGEST = 400_000
"""Characters that are laid out; what follows is left in the original."""

_UNSEEN = {
    "script", "style", "head", "title", "template", "object", "embed", "applet", "svg", "math", "noframes", "iframe",
    "audio", "video", "canvas",
}  # fmt: skip
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])",
    re.IGNORECASE,
)
_QUOTE_IDS = {"isreplycontent", "olk_src_body_section", "replybody", "mailcontentquote", "foxmailquote"}
_QUOTE_CLASSES = re.compile(r"\b(?:gmail_quote|gmail_quote_container|yahoo_quoted|moz-cite-prefix|qmbox_quote)\b")
_LAST_IDS = {"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container"}
_TAG = re.compile(r"<[^<>]*>")
_CONFIG = ParserConfig(display_links=False, display_images=False)


def text_of(markup: str, *, is_answer: bool) -> str:
    """Return the text of *markup*; of an answer without the history in it, unless nothing else is there."""
    root = _tree(markup)
    if root is None:  # nothing, or more nested than the parser goes
        return _tidied(_TAG.sub(" ", markup[:LARGEST]))
    _drop(root, _is_unseen)
    if is_answer:
        whole = _laid_out(root)
        _drop(root, _is_quote)
        _drop_following(root)
        return _laid_out(root) or whole
    return _laid_out(root)


def _tree(markup: str) -> html.HtmlElement | None:
    octets = markup[:LARGEST].replace("\x00", "").encode("utf-8", "replace")
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = html.document_fromstring(octets, parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        return None
    is_cut = any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log)
    return None if is_cut else root


def _laid_out(root: html.HtmlElement) -> str:
    try:
        text = str(Inscriptis(root, _CONFIG).get_text())
    except (RecursionError, IndexError, ValueError, TypeError, AttributeError, KeyError):
        text = " ".join(str(piece) for piece in root.itertext())
    return _tidied(text)


def _tidied(text: str) -> str:
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _drop(root: html.HtmlElement, is_out: Callable[[html.HtmlElement], bool]) -> None:
    for element in [each for each in root.iter() if is_out(each)]:
        if element is not root and element.getparent() is not None:
            element.drop_tree()


def _is_unseen(element: html.HtmlElement) -> bool:
    if not isinstance(element.tag, str):
        return True
    if element.tag in _UNSEEN:
        return True
    style = element.get("style")
    return "hidden" in element.attrib or bool(style and _HIDING.search(style))


def _is_quote(element: html.HtmlElement) -> bool:
    name = (element.get("id") or "").lower()
    return (
        (element.tag == "blockquote" and (element.get("type") or "").lower() == "cite")
        or name in _QUOTE_IDS
        or element.tag == "includetail"
        or bool(_QUOTE_CLASSES.search(element.get("class") or ""))
    )


def _drop_following(root: html.HtmlElement) -> None:
    """Drop Outlook's history: it begins at a marked element and goes on to the end."""
    for element in root.iter():
        if (element.get("id") or "").lower().removeprefix("x_") in _LAST_IDS:
            for sibling in list(element.itersiblings()):
                sibling.drop_tree()
            if element is not root:
                element.drop_tree()
            return
