"""FHIRPath: expressions are parsed, compiled to Python closures once, and evaluated on FHIR JSON.

See https://hl7.org/fhirpath/N1/ and https://hl7.org/fhir/R4/fhirpath.html
"""

from fhir_mh.fhirpath.compiler import Expression, compile_expression
from fhir_mh.fhirpath.environment import Model
from fhir_mh.fhirpath.errors import FhirPathError
from fhir_mh.fhirpath.values import Node

__all__ = ["Expression", "FhirPathError", "Model", "Node", "compile_expression"]
