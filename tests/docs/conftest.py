"""What of the documentation is tested where."""

import sys

# The tutorials are run with what the extra docs brings, which needs Python 3.11.
collect_ignore = [] if sys.version_info >= (3, 11) else ["test_tutorials.py"]
