"""The case's use cases in one place; see the modules it is made of.

| module | what |
|---|---|
| ``store`` | ``get``, ``find``, ``record`` (:class:`villagecall.ports.Cases`), ``item``, ``actions``, ``personal`` |
| ``intake`` | ``open``, ``enter_applicant``, ``fill_form``, ``reveal``, ``defects``, ``submit``, ``withdraw`` |
| ``desk`` | ``claim``, ``release``, ``pass_up``, ``approve``, ``refuse``, ``return_case`` |
| ``handover`` | ``deliver``, ``rate``, ``close_unrated`` |
| ``papers`` | ``keep_text`` (:class:`villagecall.ports.Cases`) |
| ``readings`` | ``cases``, ``queue``, ``line``, ``place`` |
"""

from __future__ import annotations

from collections.abc import Mapping

from villagecall.approval.desk import Desk
from villagecall.approval.handover import Handover
from villagecall.approval.papers import Papers
from villagecall.approval.readings import Readings
from villagecall.ports import Consumer


class Approval(Desk, Handover, Readings, Papers):
    """``Approval(journal, vault, directory, clock, bus, settings)``; implements ``ports.Cases``.

    Announces every append on the bus, topic ``case``: ``{case_id, seq, kinds, state, village, town,
    units}``; ``units`` are those whose queue or waiting line may look different now.
    """

    def consumers(self) -> Mapping[str, Consumer]:
        """The outbox topics this room answers."""
        return {"close": self.close_unrated}
