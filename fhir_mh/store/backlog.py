"""How much waits for each partner and since when; what was refused; and the alarm, kept for as long as it stands.

What waits is what a lane lets pass or a person holds up. In a lane that has ended only a notice waits: the rest stays
until sharing is resumed, however long that takes.
"""

from __future__ import annotations

from datetime import datetime

from fhir_mh.store.part import Part
from fhir_mh.store.values import Breaker, breaker_of, from_ms

_COUNTS = """(o.kind = 'notice' OR NOT EXISTS (
  SELECT 1 FROM lanes l WHERE l.partner = o.partner AND l.person = o.person AND l.state = 'ended'))"""
_WAITS = f"o.state = 'pending' AND {_COUNTS}"

# From partner to partner, and in each from the oldest on until one waits: no count, however much there is.
_OLDEST = f"""
WITH RECURSIVE step(partner) AS (
  SELECT MIN(partner) FROM outbox WHERE state = 'pending'
  UNION ALL
  SELECT (SELECT MIN(o.partner) FROM outbox o WHERE o.state = 'pending' AND o.partner > step.partner) FROM step
  WHERE step.partner IS NOT NULL)
SELECT step.partner, (
  SELECT o.created FROM outbox o WHERE o.partner = step.partner AND {_WAITS} ORDER BY o.created LIMIT 1)
FROM step WHERE step.partner IS NOT NULL
"""


class Backlog(Part):
    """Counts by partner, within one transaction."""

    def oldest(self) -> dict[str, datetime]:
        """When the oldest message that waits was queued, of each partner for which one does. Quick at any length."""
        return {row[0]: from_ms(row[1]) for row in self.session.all(_OLDEST) if row[1] is not None}

    def waiting(self) -> dict[str, int]:
        """How many messages wait."""
        return self._counted(f"SELECT o.partner, COUNT(*) FROM outbox o WHERE {_WAITS} GROUP BY o.partner")

    def dead(self) -> dict[str, int]:
        """How many messages were refused for good."""
        return self._counted("SELECT partner, COUNT(*) FROM outbox WHERE state = 'dead' GROUP BY partner")

    def refused(self) -> set[str]:
        """The partners that refused for good what would else go out; in a lane that has ended that is a notice."""
        return {
            row[0]
            for row in self.session.all(f"SELECT DISTINCT o.partner FROM outbox o WHERE o.state = 'dead' AND {_COUNTS}")
        }

    def halted(self) -> dict[str, int]:
        """How many lanes a person is to look at."""
        return self._counted("SELECT partner, COUNT(*) FROM lanes WHERE state = 'halted' GROUP BY partner")

    def quarantined(self) -> dict[str, int]:
        """How much of what each partner sent is set aside, and nobody has decided on."""
        return self._counted("SELECT partner, COUNT(*) FROM quarantine WHERE state = 'held' GROUP BY partner")

    def breakers(self) -> dict[str, Breaker]:
        """Every partner that ever failed to answer."""
        rows = self.session.all("SELECT partner, state, failures, since, retry_at FROM breakers")
        return {row[0]: breaker_of(row) for row in rows}

    def _counted(self, sql: str) -> dict[str, int]:
        return {row[0]: int(row[1]) for row in self.session.all(sql)}

    # --- the alarm

    def alarms(self) -> dict[str, datetime]:
        """Since when each alarm stands, by partner."""
        return {row[0]: from_ms(row[1]) for row in self.session.all("SELECT partner, since FROM alarms")}

    def raise_alarm(self, partner: str) -> bool:
        """Whether it did not stand before."""
        return bool(
            self.session.run(
                "INSERT INTO alarms (partner, since) VALUES (?, ?) ON CONFLICT (partner) DO NOTHING",
                partner,
                self._now_ms,
            )
        )

    def clear_alarm(self, partner: str) -> bool:
        """Whether it stood before."""
        return bool(self.session.run("DELETE FROM alarms WHERE partner = ?", partner))
