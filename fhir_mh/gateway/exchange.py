"""The gateway as sync sees it: what to send for a waiting message, and what to do with one that arrives."""

from __future__ import annotations

import uuid
from typing import Any

from fhir_mh.errors import FhirMhError
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.exchange.ports import Withheld
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.gateway.holding import APPEND_ONLY, SHARED_KINDS, Holding, about, content, hold
from fhir_mh.gateway.identity import Organisation, contradiction, find_person, identify, nhs_number_of
from fhir_mh.gateway.projection import project
from fhir_mh.gateway.spreading import end_sharing, spread
from fhir_mh.gateway.standing import now_of, standing
from fhir_mh.gateway.writing import Check, add_tasks, write_record
from fhir_mh.issues import Issue, has_errors, issue
from fhir_mh.mapping.merge import Conflict as RowConflict
from fhir_mh.mapping.merge import merge
from fhir_mh.store import OutboxMessage, Outcome, StoredResource, Tx

Body = dict[str, Any]
_NAMESPACE = uuid.UUID("b5d2b7e6-6c0a-5f6f-9c57-0e9d3b3f8a61")


class GatewayExchange:
    """Sending and receiving for one organisation. Stateless: everything is in the transaction it is handed."""

    def __init__(self, home: Organisation, check: Check) -> None:
        self.home, self.check = home, check

    # --- sending

    def compose(self, tx: Tx, waiting: OutboxMessage) -> Message | Withheld:
        """What to send now; consent is decided anew. Withheld where nothing may be sent any more."""
        number = nhs_number_of(tx, waiting.person)
        if number is None:
            return Withheld("sync-unknown-person")
        if waiting.kind == "notice":
            payload = load_object(waiting.payload or "{}")
            custodian = payload.pop("custodian")
            return Message(waiting.message, "notice", number, custodian, waiting.edition, payload)
        decision = standing(tx, waiting.person).may_be_sent(waiting.partner, now_of(tx))
        if decision.nothing:
            end_sharing(tx, self.home, waiting.person, waiting.partner, decision.sentence)
            return Withheld("consent-denied")
        if waiting.kind == "proposal":
            payload = load_object(waiting.payload or "{}")
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": _entries(payload["after"])}
            said = {"base": waiting.edition, "bundle": bundle}
            return Message(waiting.message, "proposal", number, waiting.partner, waiting.edition, said)
        projected = project(about(tx, waiting.person, self.home.ods), decision)
        edition = tx.edition(waiting.person, self.home.ods)
        bundle = projected.bundle(self.home.ods)
        tx.projections.keep(
            waiting.partner,
            waiting.person,
            self.home.ods,
            edition,
            sent=dumps(bundle).decode(),
            withheld=dumps([f"{kind}/{name}" for kind, name in projected.withheld]).decode(),
            inexpressible="[]",
        )
        tx.currency.mark(waiting.partner, waiting.person, self.home.ods, "sent", edition)
        return Message(
            waiting.message,
            "snapshot",
            number,
            self.home.ods,
            edition,
            {"sections": sorted(decision.permitted), "bundle": bundle},
        )

    def settle(self, tx: Tx, sent: OutboxMessage, receipt: Receipt) -> Outcome:
        """Note how far the partner has come; only a refusal is a dead letter."""
        if receipt.status == "refused":
            if sent.kind == "proposal":
                tx.proposals.settle(sent.message, "refused")
            return Outcome(sent.message, "dead", receipt.issues[0].code if receipt.issues else "sync-refused")
        if sent.kind == "snapshot" and receipt.status in ("stored", "superseded") and receipt.edition is not None:
            tx.currency.mark(sent.partner, sent.person, self.home.ods, "stored", receipt.edition)
        if sent.kind == "proposal" and receipt.status in _SETTLED:
            said = {"edition": receipt.edition, "conflicts": list(receipt.conflicts)}
            tx.proposals.settle(sent.message, _SETTLED[receipt.status], dumps(said).decode())
        return Outcome(sent.message, "acked", "sync-quarantined" if receipt.status == "quarantined" else None)

    # --- receiving

    def receive(self, tx: Tx, partner: str, message: Message) -> Receipt:
        """Take in one message. What is not understood, or may be about somebody else, is quarantined whole."""
        if message.verb == "snapshot":
            return self._snapshot(tx, partner, message)
        person = find_person(tx, message.nhs_number)
        if person is None:
            return Receipt(message.id, "refused", issues=(issue("sync-unknown-person", "$.person"),))
        if message.verb == "proposal":
            return self._proposal(tx, partner, person, message)
        if message.verb == "marked":
            return self._marked(tx, partner, person, message)
        return self._notice(tx, partner, person, message)

    def _quarantine(self, tx: Tx, partner: str, message: Message, person: str | None, found: list[Issue]) -> Receipt:
        listed = dumps([one.as_dict() for one in found]).decode()
        tx.quarantine.add(partner, dumps(message.as_json()).decode(), listed, person=person, message=message.id)
        if person is not None:
            self._raise_task(tx, person, message, found[0])
        return Receipt(message.id, "quarantined", issues=tuple(found))

    def _raise_task(self, tx: Tx, person: str, message: Message, found: Issue) -> None:
        """Tell the team that something about the person arrived and was set aside."""
        holding = hold(tx, person, self.home.ods)
        if not holding.bodies:
            return
        before = holding.tree
        task = {
            "id": str(uuid.uuid5(_NAMESPACE, message.id)),
            "kind": "identity" if found.code == "sync-identity" else "unclear-item",
            "status": "requested",
            "description": f"What {message.custodian} sent was set aside: {found.message}",
        }
        after = {**before, "tasks": [*(before.get("tasks") or ()), task]}
        write_record(tx, self.home, self.check, holding, before, after)

    def _snapshot(self, tx: Tx, partner: str, message: Message) -> Receipt:
        if message.custodian != partner or message.edition is None:
            found = issue("sync-custody", "$.custodian", reference="This snapshot")
            return Receipt(message.id, "refused", issues=(found,))
        person = find_person(tx, message.nhs_number)
        bodies = _bodies(message)
        faults = self._faults(tx, partner, person, message, bodies)
        if faults:
            return self._quarantine(tx, partner, message, person, faults)
        person = person or tx.add_person()
        held = tx.edition(person, partner)
        if held >= message.edition:
            return Receipt(message.id, "superseded", held)
        tx.identify(person, NHS_NUMBER, message.nhs_number)
        kinds = self._store_copy(tx, partner, person, bodies)
        tx.set_edition(person, partner, message.edition)
        tx.currency.mark(self.home.ods, person, partner, "stored", message.edition)
        tx.currency.resume(self.home.ods, person, partner)
        spread(tx, self.home, person, kinds, own=False)
        return Receipt(message.id, "stored", message.edition)

    def _faults(self, tx: Tx, partner: str, person: str | None, message: Message, bodies: list[Body]) -> list[Issue]:
        """Everything that speaks against storing a snapshot."""
        found: list[Issue] = []
        patients = [body for body in bodies if body.get("resourceType") == "Patient"]
        for patient in patients:
            probe = {"identifier": [{"system": NHS_NUMBER, "value": message.nhs_number}]}
            doubt = contradiction(patient, [probe], "$.bundle")
            if person is not None and doubt is None:
                doubt = contradiction(patient, hold(tx, person, self.home.ods).patients(), "$.bundle")
            if doubt is not None:
                found.append(doubt)
        for number, body in enumerate(bodies):
            place = f"$.bundle.entry[{number}].resource"
            kind, name = body.get("resourceType"), body.get("id")
            if not isinstance(kind, str) or not isinstance(name, str):
                found.append(issue("store-id-missing", place))
                continue
            known = tx.get(kind, name)
            mixed = known is not None and known.person not in (None, person) and kind not in SHARED_KINDS
            if mixed or (known is not None and known.custodian != partner):
                found.append(issue("sync-custody", place, reference=f"{kind}/{name}"))
            if known is not None and _says_the_same(known, body):
                continue  # it was checked when it was stored, and a snapshot repeats what did not change
            faults = self.check(body)
            found += [one.at(f"{place}: {one.path}") for one in faults if has_errors([one])]
        return found

    def _store_copy(self, tx: Tx, partner: str, person: str, bodies: list[Body]) -> set[str]:
        """Store what differs from the copy held; the kinds of what did."""
        kinds = set()
        for body in bodies:
            kind, name = str(body["resourceType"]), str(body["id"])
            known = tx.get(kind, name)
            if known is not None and _says_the_same(known, body):
                continue
            belongs = known.person if known is not None and kind in SHARED_KINDS else person
            tx.put(content(body), person=belongs, custodian=partner)
            if kind == "Patient":
                identify(tx, person, body)
            kinds.add(kind)
        return kinds

    def _proposal(self, tx: Tx, partner: str, person: str, message: Message) -> Receipt:
        if message.custodian != self.home.ods:
            found = issue("sync-custody", "$.custodian", reference="What this proposal is about")
            return Receipt(message.id, "refused", issues=(found,))
        base = message.content.get("base")
        # against any other edition, what was changed here since would look as if its author had changed it back
        projection = tx.projections.get(partner, person, self.home.ods, base) if type(base) is int else None
        if projection is None:
            return Receipt(message.id, "refused", issues=(issue("sync-no-projection", "$.base"),))
        holding = hold(tx, person, self.home.ods)
        bodies = _bodies(message)
        faults = _not_ours(holding, bodies, self.home.ods)
        if faults:
            return self._quarantine(tx, partner, message, person, faults)
        try:
            status, conflicts = self._merge(tx, partner, holding, load_object(projection.sent), bodies)
        except FhirMhError as fault:
            return self._quarantine(
                tx, partner, message, person, list(fault.issues) or [issue("sync-unreadable", "$.bundle")]
            )
        text = dumps(message.as_json()).decode()
        made = tx.proposals.add(
            "received", partner, person, self.home.ods, base=projection.edition, payload=text, id=message.id
        )
        paths = [conflict.path for conflict in conflicts]
        tx.proposals.settle(made.id, _SETTLED[status], dumps({"conflicts": paths}).decode())
        return Receipt(message.id, status, tx.edition(person, self.home.ods), tuple(paths))

    def _merge(
        self, tx: Tx, partner: str, holding: Holding, sent: Body, bodies: list[Body]
    ) -> tuple[Any, list[RowConflict]]:
        """Merge a proposal against what its author was sent; ("merged" | "partly" | "conflict", the rows left)."""
        shown_bodies = [content(entry["resource"]) for entry in sent.get("entry") or ()]
        shown = holding.with_bodies(shown_bodies)
        wanted = shown.with_bodies(content(body) for body in bodies)
        before = holding.tree
        merged = merge(before, shown.tree, wanted.tree, never=APPEND_ONLY)
        add_tasks(tx, self.home, merged.tree, merged.conflicts, partner)
        write_record(tx, self.home, self.check, holding, before, merged.tree)
        if not merged.conflicts:
            return "merged", []
        return ("partly" if merged.changes else "conflict"), merged.conflicts

    def _marked(self, tx: Tx, partner: str, person: str, message: Message) -> Receipt:
        stage = message.content.get("stage")
        if stage not in ("filed", "opened") or message.edition is None:
            return Receipt(message.id, "refused", issues=(issue("sync-unknown-verb", "$.stage", verb="mark"),))
        tx.currency.mark(partner, person, self.home.ods, stage, message.edition)
        return Receipt(message.id, "stored", message.edition)

    def _notice(self, tx: Tx, partner: str, person: str, message: Message) -> Receipt:
        if message.content.get("notice") != "sharing-ended" or message.custodian != partner:
            return Receipt(message.id, "refused", issues=(issue("sync-unknown-verb", "$.notice", verb="notice"),))
        reason = message.content.get("reason")
        sentence = (
            reason
            if isinstance(reason, str) and reason
            else "The organisation that keeps this plan no longer shares it."
        )
        tx.currency.end(self.home.ods, person, partner, sentence)
        return Receipt(message.id, "stored", tx.edition(person, partner))


_NO_REASON = "The organisation that keeps this plan no longer shares it."
_SETTLED: dict[str, Any] = {"merged": "accepted", "partly": "partly", "conflict": "conflict"}


def _says_the_same(known: StoredResource, body: Body) -> bool:
    """Whether what is held is what was sent, but for what a server says of its own storing."""
    return not known.deleted and content(known.body()) == content(body)


def _entries(bodies: list[Body]) -> list[Body]:
    return [{"resource": body} for body in bodies]


def _bodies(message: Message) -> list[Body]:
    """The resources of a message's Bundle."""
    entries = message.content["bundle"].get("entry") or ()
    return [
        entry["resource"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    ]


def _not_ours(holding: Holding, bodies: list[Body], own: str) -> list[Issue]:
    """Findings about proposed resources that somebody else keeps."""
    return [
        issue(
            "sync-custody",
            f"$.bundle.entry[{number}].resource",
            reference=f"{body.get('resourceType')}/{body.get('id')}",
        )
        for number, body in enumerate(bodies)
        if holding.custodians.get((str(body.get("resourceType")), str(body.get("id"))), own) != own
    ]
