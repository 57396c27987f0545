"""What nobody edits."""

APPEND_ONLY = ("statements", "refusals", "nominations", "powers_of_attorney", "choice_documents", "sharing")
"""Decisions of the person: a later one ends an earlier one, nobody edits one."""
