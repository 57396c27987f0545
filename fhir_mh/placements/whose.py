"""Who keeps what of a record, and whose plan it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Whose:
    """own: the ODS code of the organisation whose gateway this is. keepers: (list, item id) -> ODS code."""

    own: str
    keepers: Mapping[tuple[str, str], str]

    def keeps(self, field: str, item: Mapping[str, Any] | None) -> bool:
        """Whether an item is this organisation's, or would be."""
        return item is not None and self.keepers.get((field, item["id"]), self.own) == self.own

    def leads(self, tree: Mapping[str, Any]) -> bool:
        """Whether the plan is this organisation's; or nobody's, and the person is in its care."""
        plans = [(field, plan) for field in ("care_plans", "crisis_plans") for plan in tree.get(field) or ()]
        if plans:
            return any(self.keeps(field, plan) for field, plan in plans)
        ours = {item["id"] for item in tree.get("organisations") or () if item.get("ods") == self.own}
        return any(
            episode.get("status", "active") == "active" and (episode.get("organisation") or {}).get("id") in ours
            for episode in tree.get("episodes") or ()
        )
