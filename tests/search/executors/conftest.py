"""Ray clusters that tests start are their own: nobody else gets in, and nothing is reported or left at home."""

import os
import secrets

# before Ray is imported, which reads them once
os.environ |= {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_USAGE_STATS_ENABLED": "0",
}
