"""What was read on a case's papers, as the pages see it."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from villagecall.http.models.base import Advice, Reply


class CardView(Reply):
    """The front of an ID card found on a page; what was not read whole is empty. In full for the clerk who has
    the card in hand and has not submitted; masked for a desk. ``birth`` is YYYY-MM-DD."""

    page_id: UUID
    name: str
    id_number: str
    address: str
    sex: str
    people: str
    birth: str


class SuggestionsReply(Reply):
    """Cards in the order of the pages, and ``hints`` where the entries differ from them. Only suggested: nothing
    is entered by itself."""

    cards: list[CardView]
    hints: list[Advice] = Field(default_factory=list)
