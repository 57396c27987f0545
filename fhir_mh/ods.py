"""The codes of the Organisation Data Service: who an organisation, or a site of one, is.

See https://digital.nhs.uk/services/organisation-data-service
"""

FORM = "[A-Z0-9]{3,12}"
"""A regular expression: capital letters and digits."""
