"""What goes with a person who leaves: what they were told, how and where they wanted to be told, what they watched."""

from __future__ import annotations

from sqlalchemy import delete

from copydesk.db import TenantSession
from copydesk.notices.tables import NoticeAddress, NoticeDelivery, NoticeHabit, NoticeRow, NoticeWish, PushDevice
from copydesk.studio.watching import watch_nothing


def forget_reader(session: TenantSession, user_id: int) -> None:
    """Erase it all; what still waits to be sent is sent to nobody."""
    for table in (NoticeDelivery, NoticeRow, NoticeWish, NoticeHabit, PushDevice, NoticeAddress):
        session.execute(delete(table).where(table.user_id == user_id), execution_options={"synchronize_session": False})
    watch_nothing(session, user_id)
