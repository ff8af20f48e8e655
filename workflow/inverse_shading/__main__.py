"""`python -m inverse_shading`, where the command isn't installed."""

import sys

from .command import main

sys.exit(main())
