"""Ray clusters of tests are their own: nobody else gets in, nothing is reported, nothing is left at home."""

import os
import secrets

# before Ray is imported, which reads them once
os.environ |= {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_USAGE_STATS_ENABLED": "0",
}
