"""``python -m villagecall`` is the command line."""

import sys

from villagecall.cli import main

sys.exit(main())
