"""`python -m inverse_shading`, where the command isn't installed."""

import sys

from inverse_shading.command import main

sys.exit(main())
