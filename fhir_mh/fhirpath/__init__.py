"""FHIRPath: expressions are parsed, compiled to Python closures once, and evaluated on FHIR JSON.

evaluate() and compile() are for callers; Environment, Model and Expression.run() for those with surroundings of their
own, such as the validator. See https://hl7.org/fhirpath/N1/ and https://hl7.org/fhir/R4/fhirpath.html
"""

from fhir_mh.fhirpath.environment import Environment, Model
from fhir_mh.fhirpath.errors import FHIRPathError
from fhir_mh.fhirpath.expression import Expression, compile, evaluate  # noqa: A004
from fhir_mh.fhirpath.moments import Moment
from fhir_mh.fhirpath.units import Quantity
from fhir_mh.fhirpath.values import Node

__all__ = [
    "Environment",
    "Expression",
    "FHIRPathError",
    "Model",
    "Moment",
    "Node",
    "Quantity",
    "compile",
    "evaluate",
]
