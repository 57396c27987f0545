"""`python -m fhir_mh.cli`, where the script `fhir-mh` is not on the path."""

import sys

from fhir_mh.cli import main

sys.exit(main())
