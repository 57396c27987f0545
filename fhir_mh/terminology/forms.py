"""Code systems that no definition lists, for their codes are built by rule: media types (BCP 13), languages (BCP 47).

A code of the wrong form is no code. One of the right form is known where it is among those below; of any other only a
registry could tell. See https://www.rfc-editor.org/info/bcp13 and https://www.rfc-editor.org/info/bcp47
"""

from __future__ import annotations

import re

MEDIA_TYPES = "urn:ietf:bcp:13"
LANGUAGES = "urn:ietf:bcp:47"
FORMS = {
    MEDIA_TYPES: "Write type/subtype, for instance application/pdf or text/plain; charset=utf-8.",
    LANGUAGES: "Write a language tag, for instance cy or en-GB.",
}
_WORD = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"
_media = re.compile(
    rf"({_WORD}/{_WORD})\s*(?:;.*)?", re.DOTALL
).fullmatch  # parameters are often not written as they should be
_language = re.compile(r"([A-Za-z]{1,8})(?:-([A-Za-z0-9]{1,8}))?(-[A-Za-z0-9]{1,8})*").fullmatch
_SHORT = {"json", "xml", "ttl"}  # FHIR's own names of its formats, which stand where media types do
_MEDIA = """
application/dicom application/fhir+json application/fhir+xml application/hl7-v3+xml application/json
application/msword application/pdf application/rtf application/xml application/zip
application/vnd.openxmlformats-officedocument.wordprocessingml.document
audio/mpeg audio/ogg audio/wav image/gif image/jpeg image/png image/svg+xml image/tiff
text/cql text/css text/csv text/html text/markdown text/plain text/xml video/mp4
"""
# The languages of two letters (ISO 639-1), with British Sign Language and the tags for several, none and not known.
_LANGUAGES = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el
en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu
ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na
nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn
so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
bfi mul und zxx
"""
# The countries (ISO 3166-1).
_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""

_known_media = frozenset(_MEDIA.split())
_known_languages, _known_countries = frozenset(_LANGUAGES.split()), frozenset(_COUNTRIES.split())


def holds(system: str, code: str) -> bool | None:
    """Whether a code is one of its system; None where only a registry could tell, and for any other system."""
    if system == MEDIA_TYPES:
        media = _media(code)
        if media is None:
            return code in _SHORT
        return True if media[1].lower() in _known_media else None
    if system == LANGUAGES:
        tag = _language(code)
        if tag is None:
            return False
        language, country, more = tag.groups()
        if language.lower() in _known_languages and not more and (country or "GB").upper() in _known_countries:
            return True
    return None
